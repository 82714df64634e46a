"""A block of a field's frames: its points read, and decided which of them are kept."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, case, delete, select, text, update

from monitor.settings.retention import RetentionSettings
from monitor.store.bulk import select_rows
from monitor.store.frame_thinning import surplus_frames
from monitor.store.tables import event, frame, point, size_distribution, trail
from monitor.store.thinning import changes, gap_ends, kept_points, noise

DELETE_POINT = delete(point).where(
    point.c.frame_id == bindparam("in_frame"),
    point.c.crystal_id == bindparam("of_crystal"),
    text("NOT point.superseded"),
)
DELETE_DISTRIBUTION = delete(size_distribution).where(size_distribution.c.frame_id == bindparam("in_frame"))
COUNT_THINNED_NAMES = ("in_field", "of_crystal", "gone", "within")
COUNT_THINNED = (
    update(trail)
    .where(trail.c.field_id == bindparam("in_field"), trail.c.crystal_id == bindparam("of_crystal"))
    .values(
        points_thinned=trail.c.points_thinned + bindparam("gone"),
        # The largest of all blocks.
        thinned_within_px=case(
            (trail.c.thinned_within_px > bindparam("within"), trail.c.thinned_within_px),
            else_=bindparam("within"),
        ),
    )
)
_POINTS = (
    select(
        point.c.frame_id,
        point.c.crystal_id,
        point.c.superseded,
        point.c.area_px,
        point.c.centroid_x_px,
        point.c.centroid_y_px,
        point.c.contacts,
        point.c.touches_border,
        point.c.carried,
        point.c.fit_for_growth,
    )
    .where(
        point.c.frame_id >= bindparam("first_id"),
        point.c.frame_id <= bindparam("last_id"),
        point.c.field_id == bindparam("in_field"),
    )
    .order_by(point.c.frame_id, point.c.crystal_id)
)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame, as far as thinning needs it."""

    frame_id: int
    """Its key."""
    elapsed_s: float
    """Seconds since the run's epoch."""
    crystals: int
    """How many it counted; it may have a few more points, of trails that were not confirmed."""
    archived: bool
    """Whether its image is kept: then its points are too."""


@dataclass(slots=True)
class BlockPlan:
    """What is kept of a block; written down before anything is deleted."""

    last_frame_id: int
    """The block's last frame."""
    kept: dict[int, set[int]] = field(default_factory=dict)
    """By crystal: frames of the points that stay."""
    removed: dict[int, int] = field(default_factory=dict)
    """By crystal: how many points go."""
    within_px: dict[int, float] = field(default_factory=dict)
    """By crystal: the largest deviation of the area that was allowed, px²."""
    without_distribution: list[int] = field(default_factory=list)
    """Frames whose size distributions go."""
    without_frame: list[int] = field(default_factory=list)
    """Frames that go themselves: nothing is left of them."""

    @property
    def kept_count(self) -> int:
        """Points that stay."""
        return sum(map(len, self.kept.values()))

    @property
    def points(self) -> int:
        """Points that there were."""
        return self.kept_count + sum(self.removed.values())

    def to_json(self) -> str:
        """For the field's row."""
        kept = {crystal: sorted(frames) for crystal, frames in self.kept.items()}
        return json.dumps(
            [
                self.last_frame_id,
                kept,
                self.removed,
                self.within_px,
                self.without_distribution,
                self.without_frame,
            ]
        )

    @classmethod
    def from_json(cls, written: str) -> BlockPlan:
        """What `to_json` wrote."""
        last, kept, removed, within, without, *frames = json.loads(
            written
        )  # an older version wrote no frames
        return cls(
            last,
            {int(crystal): set(frames) for crystal, frames in kept.items()},
            {int(crystal): int(count) for crystal, count in removed.items()},
            {int(crystal): float(px) for crystal, px in within.items()},
            [int(frame_id) for frame_id in without],
            [int(frame_id) for frame_id in frames[0]] if frames else [],
        )


def read_points(connection: Connection, first_id: int, last_id: int, field_id: int) -> list[Row]:
    """The field's points in these frames, in order."""
    return select_rows(connection, _POINTS, {"first_id": first_id, "last_id": last_id, "in_field": field_id})


def decide(
    transact: Callable[..., Any],
    doing: str,
    run_id: int,
    field_id: int,
    moments: list[Moment],
    wanted: RetentionSettings,
    plan: BlockPlan,
    slice_rows: int,
) -> Iterator[None]:
    """Fill the plan, a slice of rows between two steps."""
    trails: dict[int, list[Row]] = defaultdict(list)
    with_revisions: set[int] = set()
    for first, last in _chunks(moments, slice_rows):
        for row in transact(lambda connection: read_points(connection, first, last, field_id), doing):  # noqa: B023  # called at once
            if row["superseded"]:
                with_revisions.add(row["frame_id"])
            else:
                trails[row["crystal_id"]].append(row)
        yield None
    times_s = {moment.frame_id: moment.elapsed_s for moment in moments}
    archived = {moment.frame_id for moment in moments if moment.archived}
    at_events = transact(lambda connection: _event_times(connection, run_id, moments), doing)
    confirmed = transact(lambda connection: _confirmed(connection, field_id), doing)
    judged = 0
    for crystal_id, rows in trails.items():
        if crystal_id not in confirmed:
            plan.removed[crystal_id] = len(rows)  # a trail that was given up: no view ever showed it
            continue
        forced = np.array([row["frame_id"] in archived for row in rows])
        forced |= np.isin([times_s[row["frame_id"]] for row in rows], list(at_events.get(crystal_id, ())))
        kept, within_px = _judge(rows, times_s, forced, wanted)
        plan.kept[crystal_id] = {row["frame_id"] for row, stays in zip(rows, kept, strict=True) if stays}
        plan.removed[crystal_id] = len(rows) - len(plan.kept[crystal_id])
        plan.within_px[crystal_id] = within_px
        judged += len(rows)
        if judged >= slice_rows:
            judged = 0
            yield None
    if wanted.size_distributions_every_s > 0:
        plan.without_distribution = _surplus_distributions(moments, wanted.size_distributions_every_s)
    if wanted.frames_every_s > 0:
        ends, every_s = (moments[0].frame_id, moments[-1].frame_id), wanted.frames_every_s
        surplus = transact(lambda connection: surplus_frames(connection, field_id, *ends, every_s), doing)
        distributions = transact(lambda connection: _with_distribution(connection, field_id, *ends), doing)
        left = distributions.difference(plan.without_distribution) | with_revisions
        plan.without_frame = sorted(set(surplus).difference(left, *plan.kept.values()))


def _judge(
    rows: list[Row], times_s: dict[int, float], forced: np.ndarray[Any, Any], wanted: RetentionSettings
) -> tuple[np.ndarray[Any, Any], float]:
    at_s = np.array([times_s[row["frame_id"]] for row in rows])
    quantities = [
        np.array([np.nan if row[name] is None else row[name] for row in rows], np.float64)
        for name in ("area_px", "centroid_x_px", "centroid_y_px")
    ]
    stated = (
        wanted.area_tolerance * np.abs(quantities[0]),
        *[np.full(at_s.size, wanted.position_tolerance_px)] * 2,
    )
    tolerances = np.array(
        [
            np.maximum(tolerance, wanted.noise_multiple * noise(values))
            for values, tolerance in zip(quantities, stated, strict=True)
        ]
    )
    kinds = np.array(
        [
            (row["contacts"] is not None)
            + 2 * bool(row["touches_border"])
            + 4 * bool(row["carried"])
            + 8 * bool(row["fit_for_growth"])
            for row in rows
        ],
        np.int64,
    )
    kept = kept_points(at_s, np.array(quantities), tolerances, forced | gap_ends(at_s) | changes(kinds))
    return kept, float(np.nanmax(tolerances[0])) if np.isfinite(tolerances[0]).any() else 0.0


def _chunks(moments: list[Moment], rows: int) -> Iterator[tuple[int, int]]:
    first, expected = moments[0].frame_id, 0
    for place, moment in enumerate(moments):
        expected += 1 + moment.crystals
        if expected >= rows or place == len(moments) - 1:
            yield first, moment.frame_id
            expected = 0
            if place + 1 < len(moments):
                first = moments[place + 1].frame_id


def _event_times(connection: Connection, run_id: int, moments: list[Moment]) -> dict[int, set[float]]:
    found = connection.execute(
        select(event.c.crystal_id, event.c.elapsed_s).where(
            event.c.run_id == run_id,
            event.c.crystal_id.is_not(None),
            event.c.elapsed_s >= moments[0].elapsed_s,
            event.c.elapsed_s <= moments[-1].elapsed_s,
        )
    )
    times: dict[int, set[float]] = defaultdict(set)
    for crystal_id, elapsed_s in found:
        times[crystal_id].add(elapsed_s)
    return times


def _confirmed(connection: Connection, field_id: int) -> set[int]:
    wanted = select(trail.c.crystal_id).where(trail.c.field_id == field_id, text("trail.confirmed"))
    return set(connection.execute(wanted).scalars())


def _with_distribution(connection: Connection, field_id: int, first_id: int, last_id: int) -> set[int]:
    found = (
        select(size_distribution.c.frame_id)
        .join(frame, frame.c.frame_id == size_distribution.c.frame_id)
        .where(frame.c.field_id == field_id, frame.c.frame_id.between(first_id, last_id))
    )
    return set(connection.execute(found).scalars())


def _surplus_distributions(moments: list[Moment], every_s: float) -> list[int]:
    """Frames that are not the first of their stretch of time, nor the block's last."""
    surplus, last = [], None
    for moment in moments[:-1]:
        stretch = moment.elapsed_s // every_s
        if stretch == last:
            surplus.append(moment.frame_id)
        last = stretch
    return surplus
