"""Reading a field back for a restart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
)

from monitor.records.result import FieldStateRecord
from monitor.records.trail import TrailBirth
from monitor.records.vocabulary import BirthKind, EventKind, FrameStatus, RunState
from monitor.store.bulk import select_rows
from monitor.store.point_rows import point_from_row
from monitor.store.tables import event, field, field_state, frame, point, trail
from monitor.store.trail_store import FrameMoment, HistoryWanted, StoredField

_IN_ONE_QUESTION = 500
"""Keys that one question names at most."""
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
        births=_births(connection, field_id, history),
        engine_failed=_engine_failed(connection, run_id, name),
    )


_ENGINE_TOLD = (
    select(event.c.kind)
    .where(
        event.c.run_id == bindparam("in_run"),
        or_(event.c.field == bindparam("called"), event.c.field.is_(None)),
        event.c.kind.in_([EventKind.ENGINE_FAILED.value, EventKind.ENGINE_BACK.value]),
    )
    .order_by(event.c.event_id.desc())
    .limit(1)
)


def _engine_failed(connection: Connection, run_id: int, name: str) -> bool:
    told = connection.scalar(_ENGINE_TOLD, {"in_run": run_id, "called": name})
    return bool(told == EventKind.ENGINE_FAILED.value)


_OF_FIELD = (
    select(point, trail.c.confirmed, frame.c.frame_index, frame.c.elapsed_s)
    .join(trail, _OF_TRAIL)
    .join(frame, frame.c.frame_id == point.c.frame_id)
    .where(frame.c.field_id == bindparam("in_field"), trail.c.ended_s.is_(None), _LATEST)
)
_OF_CRYSTAL = _OF_FIELD.where(point.c.crystal_id == bindparam("of_crystal"), _FITTED)
# Between the crystal's first point and its last that may be fitted: one that has been in contact for months has none
# since, and they must not be looked through.
_FITTED_TIME = frame.c.elapsed_s.between(bindparam("seen_s"), bindparam("fitted_s"))
_FIRST = (
    _OF_CRYSTAL.where(_FITTED_TIME)
    .order_by(frame.c.elapsed_s)
    .limit(bindparam("at_most", type_=Integer()))
    .offset(literal_column("0"))
)
_LAST = (
    _OF_CRYSTAL.where(_FITTED_TIME)
    .order_by(frame.c.elapsed_s.desc())
    .limit(bindparam("at_most", type_=Integer()))
    .offset(literal_column("0"))
)


def _live_points(connection: Connection, field_id: int, history: HistoryWanted) -> Sequence[dict[str, Any]]:
    here = {"in_field": field_id}
    if history.span_s is None:
        return _in_order(_rows(connection, _OF_FIELD, here))
    living = select(
        trail.c.crystal_id, trail.c.first_seen_s, trail.c.last_seen_s, trail.c.fit_ended_s, trail.c.confirmed
    ).where(trail.c.field_id == field_id, trail.c.ended_s.is_(None))
    crystals = connection.execute(living).all()
    if not crystals:
        return []
    oldest_s = min(crystal.last_seen_s for crystal in crystals) - history.span_s
    in_span = _OF_FIELD.where(
        frame.c.elapsed_s >= oldest_s, frame.c.elapsed_s >= trail.c.last_seen_s - history.span_s, _FITTED
    )
    found = _rows(connection, in_span, here)
    for crystal in crystals:
        # Whenever a confirmed crystal has a point that may be fitted, it is fitted; before that it has few points.
        fitted_s = crystal.fit_ended_s if crystal.confirmed else crystal.last_seen_s
        if fitted_s is None:
            continue
        of_crystal = here | {
            "of_crystal": crystal.crystal_id,
            "seen_s": crystal.first_seen_s,
            "fitted_s": fitted_s,
        }
        for wanted, at_most in ((_FIRST, history.first_points), (_LAST, history.last_points)):
            if at_most:
                found += select_rows(connection, wanted, of_crystal | {"at_most": at_most})
    return _in_order(found)


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_key = {(row["frame_id"], row["crystal_id"]): row for row in rows}
    return [by_key[key] for key in sorted(by_key)]


def _rows(
    connection: Connection, wanted: Select[*tuple[Any, ...]], parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(wanted, parameters).mappings()]


def _frames(
    connection: Connection, field_id: int, history: HistoryWanted, with_points: set[int]
) -> tuple[FrameMoment, ...]:
    """The frames of the span, and those that have the points; a field of months has many more than these."""
    if history.span_s is None:
        return _moments(connection, field_id, [frame.c.frame_id.is_not(None)])
    newest_s = connection.execute(
        select(func.max(frame.c.elapsed_s)).where(frame.c.field_id == field_id)
    ).scalar()
    if newest_s is None:
        return ()
    ids = sorted(with_points)
    parts = [frame.c.frame_id.in_(ids[first : first + _IN_ONE_QUESTION]) for first in _chunks(len(ids))]
    return _moments(connection, field_id, [frame.c.elapsed_s >= newest_s - history.span_s, *parts])


def _chunks(count: int) -> range:
    return range(0, count, _IN_ONE_QUESTION)


def _moments(
    connection: Connection, field_id: int, conditions: Sequence[ColumnElement[bool]]
) -> tuple[FrameMoment, ...]:
    """Frames that any of the conditions holds for, in the order in which they were committed."""
    columns = (frame.c.frame_id, frame.c.frame_index, frame.c.elapsed_s, frame.c.um_per_px, frame.c.status)
    found = {
        row.frame_id: FrameMoment(row.frame_index, row.elapsed_s, row.um_per_px, FrameStatus(row.status))
        for condition in conditions
        for row in connection.execute(select(*columns).where(frame.c.field_id == field_id, condition))
    }
    return tuple(found[frame_id] for frame_id in sorted(found))


def _births(connection: Connection, field_id: int, history: HistoryWanted) -> tuple[TrailBirth, ...]:
    """Those of the living crystals and of the span, the first and the last; a field of months has many more."""
    confirmed = (trail.c.field_id == field_id, trail.c.birth_kind.is_not(None))
    wanted = select(trail).where(*confirmed).order_by(trail.c.first_seen_s, trail.c.crystal_id)
    if history.span_s is not None:
        born = trail.c.birth_kind == BirthKind.BORN.value
        newest_s, *first_and_last_s = connection.execute(
            select(
                func.max(trail.c.last_seen_s),
                func.min(trail.c.first_seen_s).filter(born),
                func.max(trail.c.first_seen_s).filter(born),
            ).where(*confirmed)
        ).one()
        if newest_s is None:
            return ()
        wanted = wanted.where(
            or_(
                trail.c.ended_s.is_(None),
                trail.c.first_seen_s >= newest_s - history.span_s,
                trail.c.first_seen_s.in_([first_s for first_s in first_and_last_s if first_s is not None]),
            )
        )
    return tuple(
        TrailBirth(
            row.crystal_id, BirthKind(row.birth_kind), row.first_seen_s, row.last_clear_s, row.split_from
        )
        for row in connection.execute(wanted)
    )
