"""Retention: ended runs thinned or removed, in slices so short that no frame waits for one.

A trail is thinned block by block: what is kept of a block is decided from all its points and written down before the
first is deleted, so that a process that dies in the middle goes on with the same decision, and what was thinned once is
never thinned again. Growth is never fitted anew from what is left: the fits of every kept point and of the trail stand
in their rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Select, insert, select, text, update

from monitor.clock import Instant
from monitor.records.audit import AuditEntry, AuditKind
from monitor.settings.retention import RetentionSettings
from monitor.store.audit import write_audit
from monitor.store.bulk import execute_rows
from monitor.store.frame_thinning import remove_frames
from monitor.store.run_removal import points_of, removal, undelivered
from monitor.store.tables import field, frame, run, tidying
from monitor.store.trail_blocks import (
    COUNT_THINNED,
    COUNT_THINNED_NAMES,
    DELETE_DISTRIBUTION,
    DELETE_POINT,
    BlockPlan,
    Moment,
    decide,
    read_points,
)

Answer = TypeVar("Answer")

SLICE_ROWS = 500
"""Points that one slice reads, judges or deletes."""
BLOCK_POINTS = 50_000
BLOCK_FRAMES = 512
"""A block is full at so many points or frames, whichever comes first: one point of each trail is kept in each."""


class Transact(Protocol):
    """Runs a piece of work in one transaction of the store's writer; raises StoreError."""

    def __call__(
        self, work: Callable[[Connection], Answer], doing: str, *, check_references: bool = True
    ) -> Answer:
        """The work's answer, committed; `check_references` as foreign keys do, where the database has them."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """What was done with a run."""

    run_id: int
    """Which."""
    name: str
    """Its name."""
    action: str
    """`thinned`, `removed`, or `waiting`: due for removal, but not all of its alerts have reached their sinks."""
    points: int
    """Points before."""
    points_removed: int
    """Points that are gone."""
    frames_removed: int | None = 0
    """Frames that are gone; None where the run is, with all of them."""
    alerts_waiting: int = 0
    """Alerts that have not reached a sink and were not given up, counted per sink."""


def tidy(
    transact: Transact, wanted: RetentionSettings, now: Instant, station: str | None, *, dry_run: bool = False
) -> Iterator[Tidied | None]:
    """Thin and remove what is due, one transaction or less between two steps; a `Tidied` where a run is done with.

    A run with alerts on their way to a sink is not removed, and yields a `Tidied` that says so.

    `station` narrows to the runs of one, in a store that several share. With `dry_run` nothing is changed.
    """
    for action, days in (("removed", wanted.runs_days), ("thinned", wanted.full_points_days)):
        if days is None:
            continue
        before = now.utc - timedelta(days=days)
        if action == "removed":
            yield from transact(lambda connection: _waiting(connection, before, station), "reading runs of")  # noqa: B023  # called at once
        while True:
            done = set[int]()
            due = transact(lambda connection: _due(connection, action, before, station), "reading runs of")  # noqa: B023  # called at once
            for run_id, name in due:
                yield from (
                    removal(transact, run_id, name, now, dry_run=dry_run, rows=SLICE_ROWS, tidied=Tidied)
                    if action == "removed"
                    else _thinning(transact, wanted, run_id, name, now, dry_run=dry_run)
                )
                done.add(run_id)
            if dry_run or not done:
                break


def _ended(before: datetime, station: str | None) -> Select[tuple[int, str]]:
    ended = select(run.c.run_id, run.c.name).where(run.c.ended_at.is_not(None), run.c.ended_at <= before)
    if station is not None:
        ended = ended.where(run.c.station == station)
    return ended.order_by(run.c.run_id)


def _due(connection: Connection, action: str, before: datetime, station: str | None) -> list[tuple[int, str]]:
    ended = _ended(before, station)
    if action == "thinned":
        ended = ended.where(run.c.thinned_at.is_(None))
    else:
        ended = ended.where(run.c.run_id.not_in(list(undelivered(connection))))
    return [(row.run_id, row.name) for row in connection.execute(ended)]


def _waiting(connection: Connection, before: datetime, station: str | None) -> list[Tidied]:
    alerts = undelivered(connection)
    ended = connection.execute(_ended(before, station).where(run.c.run_id.in_(list(alerts)))).all()
    return [
        Tidied(
            row.run_id,
            row.name,
            "waiting",
            points_of(connection, row.run_id),
            0,
            alerts_waiting=alerts[row.run_id],
        )
        for row in ended
    ]


def _thinning(
    transact: Transact,
    wanted: RetentionSettings,
    run_id: int,
    name: str,
    now: Instant,
    *,
    dry_run: bool,
) -> Iterator[Tidied | None]:
    doing = f"thinning run {run_id} in"
    known = select(field.c.field_id).where(field.c.run_id == run_id).order_by(field.c.field_id)
    fields = transact(lambda connection: list(connection.execute(known).scalars()), doing)
    points = removed = frames = 0
    for field_id in fields:
        reached = -1 if dry_run else None
        while True:
            block = transact(lambda connection: _next_block(connection, field_id, reached), doing)  # noqa: B023  # called at once
            if block is None:
                break
            moments, plan = block
            if plan is None:
                plan = BlockPlan(moments[-1].frame_id)
                for _ in decide(transact, doing, run_id, field_id, moments, wanted, plan, SLICE_ROWS):
                    yield None
            points += plan.points
            removed += plan.points - plan.kept_count
            frames += len(plan.without_frame)
            if dry_run:
                reached = plan.last_frame_id
                yield None
                continue
            text_of_plan = plan.to_json()
            transact(lambda connection: _write_plan(connection, field_id, text_of_plan), doing)  # noqa: B023  # called at once
            yield None
            yield from _carry_out(transact, doing, field_id, moments, plan)
    if not dry_run:
        transact(lambda connection: _conclude(connection, run_id, name, now, wanted), doing)
    yield Tidied(run_id, name, "thinned", points, removed, frames)


def _next_block(
    connection: Connection, field_id: int, reached: int | None
) -> tuple[list[Moment], BlockPlan | None] | None:
    """The frames of the block that is next, and what was decided of it, if it was; None at the end of the field."""
    (thinned_to, written) = connection.execute(
        select(field.c.thinned_to_frame_id, field.c.thinning_plan).where(field.c.field_id == field_id)
    ).one()
    plan = BlockPlan.from_json(written) if written is not None else None
    after = (thinned_to if thinned_to is not None else -1) if reached is None else reached
    frames = (
        select(frame.c.frame_id, frame.c.elapsed_s, frame.c.crystal_count, frame.c.archived)
        .where(frame.c.field_id == field_id, frame.c.frame_id > after)
        .order_by(frame.c.frame_id)
        .limit(BLOCK_FRAMES)
    )
    if plan is not None:
        frames = frames.where(frame.c.frame_id <= plan.last_frame_id)
    moments: list[Moment] = []
    points = 0
    for row in connection.execute(frames):
        moments.append(Moment(row.frame_id, row.elapsed_s, row.crystal_count or 0, row.archived is not None))
        points += row.crystal_count or 0
        if points >= BLOCK_POINTS and plan is None:
            break
    return (moments, plan) if moments else None


def _write_plan(connection: Connection, field_id: int, plan: str) -> None:
    connection.execute(update(field).where(field.c.field_id == field_id).values(thinning_plan=plan))


def _carry_out(
    transact: Transact, doing: str, field_id: int, moments: list[Moment], plan: BlockPlan
) -> Iterator[None]:
    chunk: list[Moment] = []
    expected = 0
    for place, moment in enumerate(moments):
        chunk.append(moment)
        expected += 1 + moment.crystals
        if expected >= SLICE_ROWS or place == len(moments) - 1:
            last = place == len(moments) - 1
            first_id, last_id = chunk[0].frame_id, chunk[-1].frame_id
            transact(
                lambda connection: _delete(connection, field_id, first_id, last_id, plan, last=last),  # noqa: B023  # called at once
                doing,
            )
            yield None
            chunk, expected = [], 0


def _delete(
    connection: Connection, field_id: int, first_id: int, last_id: int, plan: BlockPlan, *, last: bool
) -> None:
    present = read_points(connection, first_id, last_id, field_id)
    gone = [
        (row["frame_id"], row["crystal_id"])
        for row in present
        if not row["superseded"] and row["frame_id"] not in plan.kept.get(row["crystal_id"], ())
    ]
    execute_rows(connection, DELETE_POINT, ("in_frame", "of_crystal"), gone)
    here = [(frame_id,) for frame_id in plan.without_distribution if first_id <= frame_id <= last_id]
    execute_rows(connection, DELETE_DISTRIBUTION, ("in_frame",), here)
    remove_frames(
        connection, field_id, [frame_id for frame_id in plan.without_frame if first_id <= frame_id <= last_id]
    )
    if last:
        counted = [
            (field_id, crystal_id, removed, plan.within_px.get(crystal_id, 0.0))
            for crystal_id, removed in plan.removed.items()
        ]
        execute_rows(connection, COUNT_THINNED, COUNT_THINNED_NAMES, counted)
        done = update(field).where(field.c.field_id == field_id)
        connection.execute(done.values(thinned_to_frame_id=plan.last_frame_id, thinning_plan=None))


def _conclude(
    connection: Connection, run_id: int, name: str, now: Instant, wanted: RetentionSettings
) -> None:
    sums = text(
        "SELECT COALESCE(SUM(t.points_thinned), 0) FROM trail t JOIN field f ON f.field_id = t.field_id "
        "WHERE f.run_id = :run_id"
    )
    removed = connection.execute(sums, {"run_id": run_id}).scalar_one()
    connection.execute(update(run).where(run.c.run_id == run_id).values(thinned_at=now.utc))
    thinned = text(
        "SELECT SUM(ok_thinned + failed_thinned + rejected_thinned) FROM field WHERE run_id = :run_id"
    )
    frames = int(connection.execute(thinned, {"run_id": run_id}).scalar() or 0)
    message = f"run {name!r} was thinned: {removed} points are gone"
    if frames:
        message += f", and {frames} frames"
    details = {"points_removed": int(removed), "frames_removed": frames, "retention": wanted.model_dump()}
    write_audit(connection, AuditEntry(AuditKind.DATA_DELETED, message, run_id=run_id, details=details))
    connection.execute(
        insert(tidying).values(
            at=now.utc, run_id=run_id, run_name=name, action="thinned", points_removed=int(removed),
            detail=json.dumps({**wanted.model_dump(), "frames_removed": frames}),
        )
    )  # fmt: skip
