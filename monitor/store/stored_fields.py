"""Reading a field back for a restart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, select, text

from monitor.records.result import FieldStateRecord
from monitor.records.trail import TrailBirth
from monitor.records.vocabulary import BirthKind, FrameStatus, RunState
from monitor.store.point_rows import point_from_row
from monitor.store.tables import field, field_state, frame, point, trail
from monitor.store.trail_store import FrameMoment, HistoryWanted, StoredField

_LATEST = text("NOT point.superseded")
_FITTED = text("point.fit_for_growth AND NOT point.carried AND NOT point.superseded")
_OF_TRAIL = and_(trail.c.field_id == point.c.field_id, trail.c.crystal_id == point.c.crystal_id)


def read_field(connection: Connection, run_id: int, name: str, history: HistoryWanted) -> StoredField:
    """What is stored of the field; that of a new one where there is nothing."""
    wanted = (
        select(field, field_state, frame.c.elapsed_s)
        .outerjoin(field_state, field_state.c.field_id == field.c.field_id)
        .outerjoin(frame, frame.c.frame_id == field.c.last_ok_frame_id)
        .where(field.c.run_id == run_id, field.c.name == name)
    )
    found = connection.execute(wanted).mappings().one_or_none()
    if found is None:
        return StoredField(name, 1, None, None, None, (), (), ())
    field_id = found[field.c.field_id]
    state = None
    if found[field_state.c.labels] is not None:
        state = FieldStateRecord(
            tracker_json=found[field_state.c.tracker_json],
            completion_json=found[field_state.c.completion_json],
            alerts_json=found[field_state.c.alerts_json],
            labels=bytes(found[field_state.c.labels]),
        )
    points = _live_points(connection, field_id, history)
    return StoredField(
        field=name,
        next_crystal_id=found[field.c.next_crystal_id],
        state=state,
        last_elapsed_s=found[frame.c.elapsed_s],
        run_state=RunState(found[field.c.state]) if found[field.c.state] else None,
        points=tuple(point_from_row(row) for row in points),
        frames=_frames(connection, field_id, history, {row["frame_id"] for row in points}),
        births=_births(connection, field_id),
    )


def _live_points(connection: Connection, field_id: int, history: HistoryWanted) -> Sequence[dict[str, Any]]:
    living = select(trail.c.crystal_id, trail.c.first_seen_s, trail.c.last_seen_s).where(
        trail.c.field_id == field_id, trail.c.ended_s.is_(None)
    )
    of_field = (
        select(point, trail.c.confirmed, frame.c.frame_index, frame.c.elapsed_s)
        .join(trail, _OF_TRAIL)
        .join(frame, frame.c.frame_id == point.c.frame_id)
        .where(frame.c.field_id == field_id, trail.c.ended_s.is_(None), _LATEST)
    )
    if history.span_s is None:
        return _rows(connection, of_field)
    crystals = connection.execute(living).all()
    if not crystals:
        return []
    oldest_s = min(crystal.last_seen_s for crystal in crystals) - history.span_s
    in_span = of_field.where(
        frame.c.elapsed_s >= oldest_s, frame.c.elapsed_s >= trail.c.last_seen_s - history.span_s
    )
    kept = {(row["frame_id"], row["crystal_id"]): row for row in _rows(connection, in_span)}
    for crystal in crystals:
        one = of_field.where(point.c.crystal_id == crystal.crystal_id, _FITTED)
        begin = one.where(frame.c.elapsed_s >= crystal.first_seen_s).order_by(frame.c.elapsed_s)
        end = one.where(frame.c.elapsed_s <= crystal.last_seen_s).order_by(frame.c.elapsed_s.desc())
        for some, limit in ((begin, history.first_points), (end, history.last_points)):
            if limit:
                found = _rows(connection, some.limit(limit))
                kept |= {(row["frame_id"], row["crystal_id"]): row for row in found}
    return [kept[key] for key in sorted(kept)]


def _rows(connection: Connection, wanted: Select[*tuple[Any, ...]]) -> list[dict[str, Any]]:
    found = connection.execute(wanted).mappings()
    return sorted((dict(row) for row in found), key=lambda row: (row["frame_id"], row["crystal_id"]))


def _frames(
    connection: Connection, field_id: int, history: HistoryWanted, with_points: set[int]
) -> tuple[FrameMoment, ...]:
    wanted = (
        select(frame.c.frame_id, frame.c.frame_index, frame.c.elapsed_s, frame.c.um_per_px, frame.c.status)
        .where(frame.c.field_id == field_id)
        .order_by(frame.c.frame_id)
    )
    found = [
        (row.frame_id, FrameMoment(row.frame_index, row.elapsed_s, row.um_per_px, FrameStatus(row.status)))
        for row in connection.execute(wanted)
    ]
    if history.span_s is None or not found:
        return tuple(moment for _, moment in found)
    oldest_s = max(moment.elapsed_s for _, moment in found) - history.span_s
    return tuple(
        moment for frame_id, moment in found if moment.elapsed_s >= oldest_s or frame_id in with_points
    )


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
