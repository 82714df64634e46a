"""What a frame changes in the table `trail`: points counted and areas followed, births, fits, ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import ColumnElement

from monitor.records.growth import GrowthFit
from monitor.records.trail import TrackPoint, TrailBirth, TrailEnd
from monitor.store.column_types import POSTGRESQL
from monitor.store.tables import trail

_HERE = (trail.c.field_id == bindparam("in_field"), trail.c.crystal_id == bindparam("of_crystal"))


def follow_points(connection: Connection, field_id: int, points: Sequence[TrackPoint]) -> None:
    """Make or bring forward the trail of every point; a carried point moves none of its figures."""
    measured = [point for point in points if not point.carried]
    if measured:
        connection.execute(_upsert(connection), [_trail_row(field_id, point) for point in measured])


def confirm_births(connection: Connection, field_id: int, born: Sequence[TrailBirth]) -> None:
    """Confirm the trails and say how they began."""
    if born:
        statement = (
            update(trail)
            .where(*_HERE)
            .values(
                confirmed=True,
                birth_kind=bindparam("kind"),
                first_seen_s=bindparam("seen_s"),
                last_clear_s=bindparam("clear_s"),
                split_from=bindparam("parent"),
            )
        )
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
        connection.execute(statement, rows)


def replace_fits(connection: Connection, field_id: int, fits: Sequence[GrowthFit]) -> None:
    """Put the newest fit into the trails; a birth time that was known stays where the fit has none."""
    if fits:
        births: dict[str, Any] = {
            name: func.coalesce(bindparam(f"new_{name}"), trail.c[name])
            for name in ("birth_s", "birth_low_s", "birth_high_s")
        }
        names = (
            "rate_px_per_s", "low_px_per_s", "high_px_per_s", "rate_um_per_s", "low_um_per_s", "high_um_per_s",
            "detection_floor_um_per_s", "front_speed_px_per_s", "fit_points", "fit_window_s", "fit_coverage",
        )  # fmt: skip
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        statement = update(trail).where(*_HERE).values(**values, **births)
        rows = [
            {
                **_key(field_id, fit.crystal_id),
                **{f"new_{name}": _finite(getattr(fit, name)) for name in (*names, *births)},
            }
            for fit in fits
        ]
        connection.execute(statement, rows)


def end_trails(connection: Connection, field_id: int, ended: Sequence[TrailEnd]) -> None:
    """Close the trails that ended."""
    if ended:
        statement = (
            update(trail)
            .where(*_HERE)
            .values(ended_s=bindparam("at_s"), end_reason=bindparam("why"), merged_into=bindparam("into"))
        )
        rows = [
            {
                **_key(field_id, end.crystal_id),
                "at_s": end.ended_s,
                "why": end.reason.value,
                "into": end.merged_into,
            }
            for end in ended
        ]
        connection.execute(statement, rows)


def drop_trails(connection: Connection, field_id: int, dropped: Sequence[int]) -> None:
    """Close tentative trails that were never confirmed: no view shows them, and no restart loads their points."""
    if dropped:
        statement = update(trail).where(*_HERE).values(ended_s=trail.c.last_seen_s)
        connection.execute(statement, [_key(field_id, crystal_id) for crystal_id in dropped])


def _key(field_id: int, crystal_id: int) -> dict[str, object]:
    return {"in_field": field_id, "of_crystal": crystal_id}


def _finite(value: float | None) -> float | None:
    # Infinite limits say "unbounded", which is NULL here; so is a fit that failed.
    return None if value is None or value != value or value in (float("inf"), float("-inf")) else value  # noqa: PLR0124  # NaN


def _trail_row(field_id: int, point: TrackPoint) -> dict[str, object]:
    area_px, area_um2 = _finite(point.observation.area_px), _finite(point.observation.area_um2)
    return {
        "field_id": field_id,
        "crystal_id": point.crystal_id,
        "confirmed": point.confirmed,
        "points": 1,
        "first_seen_s": point.elapsed_s,
        "last_seen_s": point.elapsed_s,
        "first_area_px": area_px,
        "last_area_px": area_px,
        "max_area_px": area_px,
        "first_area_um2": area_um2,
        "last_area_um2": area_um2,
        "max_area_um2": area_um2,
    }


def _upsert(connection: Connection) -> Any:
    insert = postgresql.insert if connection.dialect.name == POSTGRESQL else sqlite.insert
    statement = insert(trail)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[trail.c.field_id, trail.c.crystal_id],
        set_={
            "confirmed": case((new.confirmed, new.confirmed), else_=trail.c.confirmed)
            if connection.dialect.name == POSTGRESQL
            else case((new.confirmed == 1, 1), else_=trail.c.confirmed),
            "points": trail.c.points + 1,
            "last_seen_s": new.last_seen_s,
            "first_area_um2": func.coalesce(trail.c.first_area_um2, new.first_area_um2),
            "last_area_px": new.last_area_px,
            "last_area_um2": new.last_area_um2,
            "max_area_px": _larger(trail.c.max_area_px, new.max_area_px),
            "max_area_um2": _larger(trail.c.max_area_um2, new.max_area_um2),
            # A crystal that came back lives on.
            "ended_s": None,
            "end_reason": None,
            "merged_into": None,
        },
    )


def _larger(old: ColumnElement[float], new: ColumnElement[float]) -> ColumnElement[float]:
    return case((old.is_(None), new), (new > old, new), else_=old)
