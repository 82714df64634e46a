"""Reading a field back for a restart."""

from __future__ import annotations

from sqlalchemy import Connection, and_, select, text

from monitor.records.result import FieldStateRecord
from monitor.records.trail import TrackPoint, TrailBirth
from monitor.records.vocabulary import BirthKind, RunState
from monitor.store.point_rows import point_from_row
from monitor.store.tables import field, field_state, frame, point, trail
from monitor.store.trail_store import StoredField


def read_field(connection: Connection, run_id: int, name: str, history_s: float | None) -> StoredField:
    """What is stored of the field; that of a new one where there is nothing."""
    wanted = (
        select(field, field_state, frame.c.elapsed_s)
        .outerjoin(field_state, field_state.c.field_id == field.c.field_id)
        .outerjoin(frame, frame.c.frame_id == field.c.last_frame_id)
        .where(field.c.run_id == run_id, field.c.name == name)
    )
    found = connection.execute(wanted).mappings().one_or_none()
    if found is None:
        return StoredField(name, 1, None, None, None, (), ())
    field_id = found[field.c.field_id]
    state = None
    if found[field_state.c.labels] is not None:
        state = FieldStateRecord(
            tracker_json=found[field_state.c.tracker_json],
            completion_json=found[field_state.c.completion_json],
            alerts_json=found[field_state.c.alerts_json],
            labels=bytes(found[field_state.c.labels]),
        )
    last_elapsed_s = found[frame.c.elapsed_s]
    since_s = None if history_s is None or last_elapsed_s is None else last_elapsed_s - history_s
    return StoredField(
        field=name,
        next_crystal_id=found[field.c.next_crystal_id],
        state=state,
        last_elapsed_s=last_elapsed_s,
        run_state=RunState(found[field.c.state]) if found[field.c.state] else None,
        points=_live_points(connection, field_id, since_s),
        births=_births(connection, field_id),
    )


def _live_points(connection: Connection, field_id: int, since_s: float | None) -> tuple[TrackPoint, ...]:
    of_trail = and_(trail.c.field_id == point.c.field_id, trail.c.crystal_id == point.c.crystal_id)
    wanted = (
        select(point, trail.c.confirmed, frame.c.frame_index, frame.c.elapsed_s)
        .join(trail, of_trail)
        .join(frame, frame.c.frame_id == point.c.frame_id)
        .where(frame.c.field_id == field_id, trail.c.ended_s.is_(None), text("NOT point.superseded"))
        .order_by(point.c.frame_id, point.c.crystal_id)
    )
    if since_s is not None:
        wanted = wanted.where(frame.c.elapsed_s >= since_s)
    return tuple(point_from_row(dict(row)) for row in connection.execute(wanted).mappings())


def _births(connection: Connection, field_id: int) -> tuple[TrailBirth, ...]:
    wanted = (
        select(trail)
        .where(trail.c.field_id == field_id, trail.c.birth_kind.is_not(None))
        .order_by(trail.c.first_seen_s, trail.c.crystal_id)
    )
    return tuple(
        TrailBirth(
            row.crystal_id, BirthKind(row.birth_kind), row.first_seen_s, row.last_clear_s, row.split_from
        )
        for row in connection.execute(wanted)
    )
