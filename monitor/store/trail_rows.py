"""What a frame changes in the table `trail`: points counted and areas followed, births, fits, ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, case, func, literal_column, null, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import ColumnElement

from monitor.records.growth import GrowthFit
from monitor.records.trail import TrackPoint, TrailBirth, TrailEnd
from monitor.store.bulk import BulkRow, execute_rows
from monitor.store.column_types import POSTGRESQL, flag_of
from monitor.store.point_rows import finite_or_none
from monitor.store.tables import trail

_HERE = (trail.c.field_id == bindparam("in_field"), trail.c.crystal_id == bindparam("of_crystal"))
_HERE_NAMES = ("in_field", "of_crystal")

_BIRTH_TIMES = ("birth_s", "birth_low_s", "birth_high_s")
_FIT_FIGURES = (
    "rate_px_per_s",
    "low_px_per_s",
    "high_px_per_s",
    "rate_um_per_s",
    "low_um_per_s",
    "high_um_per_s",
    "detection_floor_um_per_s",
    "front_speed_px_per_s",
    "fit_points",
    "fit_window_s",
    "fit_coverage",
)
_FITTED = (*_BIRTH_TIMES, *_FIT_FIGURES)
_figures_of = attrgetter(*_FIT_FIGURES)
_births_of = attrgetter(*_BIRTH_TIMES)

# In the order of the table's columns, so that no row need be put in another one.
_SEEN = ("field_id", "crystal_id", "confirmed", "first_seen_s", "last_seen_s")
_SIZES = (
    "points",
    "first_area_px",
    "last_area_px",
    "max_area_px",
    "first_area_um2",
    "last_area_um2",
    "max_area_um2",
)
_FOLLOWED = (*_SEEN, *_SIZES)
_FOLLOWED_AND_FITTED = (*_SEEN, *_BIRTH_TIMES, *_SIZES, *_FIT_FIGURES, "fit_ended_s")


def _larger(old: ColumnElement[float], new: ColumnElement[float]) -> ColumnElement[float]:
    return case((old.is_(None), new), (new > old, new), else_=old)


def _follow(new: Any) -> dict[str, Any]:
    return {
        "confirmed": case((new.confirmed, new.confirmed), else_=trail.c.confirmed),
        "points": trail.c.points + literal_column("1"),
        "last_seen_s": new.last_seen_s,
        "first_area_um2": func.coalesce(trail.c.first_area_um2, new.first_area_um2),
        "last_area_px": new.last_area_px,
        "last_area_um2": new.last_area_um2,
        "max_area_px": _larger(trail.c.max_area_px, new.max_area_px),
        "max_area_um2": _larger(trail.c.max_area_um2, new.max_area_um2),
        # A crystal that came back lives on.
        "ended_s": null(),
        "end_reason": null(),
        "merged_into": null(),
        "points_until_s": null(),
    }


def _fit(new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: new[name] for name in (*_FIT_FIGURES, "fit_ended_s")},
        # A birth time that was known stays where the fit has none.
        **{name: func.coalesce(new[name], trail.c[name]) for name in _BIRTH_TIMES},
    }


_KEY = [trail.c.field_id, trail.c.crystal_id]


def _upserts(*, fitted: bool) -> tuple[Insert, Insert]:
    """For SQLite and for PostgreSQL."""
    made: list[Insert] = []
    for begun in (sqlite.insert(trail), postgresql.insert(trail)):
        new: Any = begun.excluded
        changed = _follow(new) | (_fit({name: new[name] for name in new.keys()}) if fitted else {})  # noqa: SIM118  # a column collection
        made.append(begun.on_conflict_do_update(index_elements=_KEY, set_=changed))
    return made[0], made[1]


_FOLLOW = _upserts(fitted=False)
_FOLLOW_AND_FIT = _upserts(fitted=True)
_CONFIRM = (
    update(trail)
    .where(*_HERE)
    .values(
        confirmed=true(),
        birth_kind=bindparam("kind"),
        first_seen_s=bindparam("seen_s"),
        last_clear_s=bindparam("clear_s"),
        split_from=bindparam("parent"),
    )
)
_FIT_ALONE_NAMES = (*(f"new_{name}" for name in _FITTED), "new_fit_ended_s")
_FIT_ALONE = (
    update(trail)
    .where(*_HERE)
    .values(**_fit({name: bindparam(f"new_{name}") for name in (*_FITTED, "fit_ended_s")}))
)
_END = (
    update(trail)
    .where(*_HERE)
    .values(
        ended_s=bindparam("at_s"),
        end_reason=bindparam("why"),
        merged_into=bindparam("into"),
        points_until_s=bindparam("until_s"),
    )
)
_DROP = update(trail).where(*_HERE).values(ended_s=trail.c.last_seen_s, points_until_s=bindparam("until_s"))


def follow_trails(
    connection: Connection,
    field_id: int,
    points: Sequence[TrackPoint],
    fits: Mapping[int, GrowthFit],
    elapsed_s: float,
) -> None:
    """Make or bring forward the trail of every point, with its newest fit, whose window ends at `elapsed_s`.

    A carried point moves none of its trail's figures; a fit counts without a point too. Limits that are infinite become
    NULL.
    """
    flag = flag_of(connection.dialect)
    followed: list[BulkRow] = []
    fitted: list[BulkRow] = []
    alone = dict(fits)
    for point in points:
        if point.carried:
            continue
        at_s = point.elapsed_s
        seen = (field_id, point.crystal_id, flag(point.confirmed), at_s, at_s)
        fit = alone.pop(point.crystal_id, None)
        if fit is None:
            followed.append((*seen, *_sizes(point)))
        else:
            births, figures = _fitted(fit)
            fitted.append((*seen, *births, *_sizes(point), *figures, elapsed_s))
    which = int(connection.dialect.name == POSTGRESQL)
    execute_rows(connection, _FOLLOW[which], _FOLLOWED, followed)
    execute_rows(connection, _FOLLOW_AND_FIT[which], _FOLLOWED_AND_FITTED, fitted)
    rest = []
    for crystal_id, fit in alone.items():
        births, figures = _fitted(fit)
        rest.append((*births, *figures, elapsed_s, field_id, crystal_id))
    execute_rows(connection, _FIT_ALONE, (*_FIT_ALONE_NAMES, *_HERE_NAMES), rest)


def confirm_births(connection: Connection, field_id: int, born: Sequence[TrailBirth]) -> None:
    """Confirm the trails and say how they began."""
    rows = [
        (
            field_id,
            birth.crystal_id,
            birth.kind.value,
            birth.first_seen_s,
            birth.last_clear_s,
            birth.split_from,
        )
        for birth in born
    ]
    execute_rows(connection, _CONFIRM, (*_HERE_NAMES, "kind", "seen_s", "clear_s", "parent"), rows)


def end_trails(connection: Connection, field_id: int, ended: Sequence[TrailEnd], elapsed_s: float) -> None:
    """Close the trails that ended; no point of theirs is later than `elapsed_s`, the present frame's."""
    rows = [
        (field_id, end.crystal_id, end.ended_s, end.reason.value, end.merged_into, elapsed_s) for end in ended
    ]
    execute_rows(connection, _END, (*_HERE_NAMES, "at_s", "why", "into", "until_s"), rows)


def drop_trails(connection: Connection, field_id: int, dropped: Sequence[int], elapsed_s: float) -> None:
    """Close tentative trails that were never confirmed: no view shows them, no restart loads their points."""
    rows = [(field_id, crystal_id, elapsed_s) for crystal_id in dropped]
    execute_rows(connection, _DROP, (*_HERE_NAMES, "until_s"), rows)


def _fitted(fit: GrowthFit) -> tuple[BulkRow, BulkRow]:
    return finite_or_none(_births_of(fit)), finite_or_none(_figures_of(fit))


def _sizes(point: TrackPoint) -> BulkRow:
    area_px, area_um2 = point.observation.area_px, point.observation.area_um2
    known_px = area_px if isfinite(area_px) else None
    return 1, known_px, known_px, known_px, area_um2, area_um2, area_um2
