"""What a frame changes in the table `trail`: points counted and areas followed, births, fits, ends."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, literal_column, null, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import ColumnElement

from monitor.records.growth import GrowthFit
from monitor.records.trail import TrackPoint, TrailBirth, TrailEnd
from monitor.store.bulk import BulkRow, execute_rows
from monitor.store.column_types import POSTGRESQL
from monitor.store.tables import trail

_HERE = (trail.c.field_id == bindparam("in_field"), trail.c.crystal_id == bindparam("of_crystal"))

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
_FIT_NAMES = tuple(f"new_{name}" for name in (*_FIT_FIGURES, *_BIRTH_TIMES))
_fit_values = attrgetter(*_FIT_FIGURES, *_BIRTH_TIMES)


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
    }


_KEY = [trail.c.field_id, trail.c.crystal_id]
_SQLITE_INSERT = sqlite.insert(trail)
_FOLLOW_SQLITE = _SQLITE_INSERT.on_conflict_do_update(
    index_elements=_KEY, set_=_follow(_SQLITE_INSERT.excluded)
)
_POSTGRESQL_INSERT = postgresql.insert(trail)
_FOLLOW_POSTGRESQL = _POSTGRESQL_INSERT.on_conflict_do_update(
    index_elements=_KEY, set_=_follow(_POSTGRESQL_INSERT.excluded)
)
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
_FIT = (
    update(trail)
    .where(*_HERE)
    .values(
        **{name: bindparam(f"new_{name}") for name in _FIT_FIGURES},
        fit_ended_s=bindparam("at_s"),
        # A birth time that was known stays where the fit has none.
        **{name: func.coalesce(bindparam(f"new_{name}"), trail.c[name]) for name in _BIRTH_TIMES},
    )
)
_END = (
    update(trail)
    .where(*_HERE)
    .values(ended_s=bindparam("at_s"), end_reason=bindparam("why"), merged_into=bindparam("into"))
)
_DROP = update(trail).where(*_HERE).values(ended_s=trail.c.last_seen_s)


def follow_points(connection: Connection, field_id: int, points: Sequence[TrackPoint]) -> None:
    """Make or bring forward the trail of every point; a carried point moves none of its figures."""
    rows = [_trail_row(field_id, point) for point in points if not point.carried]
    on_postgresql = connection.dialect.name == POSTGRESQL
    execute_rows(connection, _FOLLOW_POSTGRESQL if on_postgresql else _FOLLOW_SQLITE, rows)


def confirm_births(connection: Connection, field_id: int, born: Sequence[TrailBirth]) -> None:
    """Confirm the trails and say how they began."""
    rows = [
        {
            **_key(field_id, birth.crystal_id),
            "kind": birth.kind.value,
            "seen_s": birth.first_seen_s,
            "clear_s": birth.last_clear_s,
            "parent": birth.split_from,
        }
        for birth in born
    ]
    execute_rows(connection, _CONFIRM, rows)


def replace_fits(connection: Connection, field_id: int, fits: Sequence[GrowthFit], elapsed_s: float) -> None:
    """Put the newest fits, whose windows end at `elapsed_s`, into the trails; infinite limits become NULL."""
    rows: list[BulkRow] = []
    for fit in fits:
        row = _key(field_id, fit.crystal_id)
        for name, value in zip(_FIT_NAMES, _fit_values(fit), strict=True):
            row[name] = value if value is None or isfinite(value) else None
        row["at_s"] = elapsed_s
        rows.append(row)
    execute_rows(connection, _FIT, rows)


def end_trails(connection: Connection, field_id: int, ended: Sequence[TrailEnd]) -> None:
    """Close the trails that ended."""
    rows = [
        {
            **_key(field_id, end.crystal_id),
            "at_s": end.ended_s,
            "why": end.reason.value,
            "into": end.merged_into,
        }
        for end in ended
    ]
    execute_rows(connection, _END, rows)


def drop_trails(connection: Connection, field_id: int, dropped: Sequence[int]) -> None:
    """Close tentative trails that were never confirmed: no view shows them, no restart loads their points."""
    execute_rows(connection, _DROP, [_key(field_id, crystal_id) for crystal_id in dropped])


def _key(field_id: int, crystal_id: int) -> BulkRow:
    return {"in_field": field_id, "of_crystal": crystal_id}


def _trail_row(field_id: int, point: TrackPoint) -> BulkRow:
    area_px, area_um2 = point.observation.area_px, point.observation.area_um2
    area_px_or_null = area_px if isfinite(area_px) else None
    return {
        "field_id": field_id,
        "crystal_id": point.crystal_id,
        "confirmed": point.confirmed,
        "points": 1,
        "first_seen_s": point.elapsed_s,
        "last_seen_s": point.elapsed_s,
        "first_area_px": area_px_or_null,
        "last_area_px": area_px_or_null,
        "max_area_px": area_px_or_null,
        "first_area_um2": area_um2,
        "last_area_um2": area_um2,
        "max_area_um2": area_um2,
    }
