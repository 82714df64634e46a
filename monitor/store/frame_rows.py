"""A `FrameResult` as rows, all of them within the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite

from sqlalchemy import Connection, delete, exists, insert, select, update

from monitor.records.result import FieldStateRecord, FrameResult
from monitor.records.run import Run
from monitor.records.trail import TrackPoint
from monitor.records.vocabulary import FrameStatus, RunState
from monitor.store import ledger
from monitor.store.bulk import execute_rows
from monitor.store.frame_events import EventRow, events_of
from monitor.store.point_rows import point_row
from monitor.store.tables import event, field, field_state, frame, point, size_distribution, trail
from monitor.store.trail_rows import confirm_births, drop_trails, end_trails, follow_points, replace_fits

_INSERT_POINT = insert(point)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field's row, as far as a frame needs it."""

    field_id: int
    """Its key."""
    next_crystal_id: int
    """The first crystal number that was never given."""
    state: RunState | None
    """Its state after the last frame that had one."""


def append_frame(connection: Connection, run: Run, result: FrameResult) -> bool:
    """Write all of the result; False, and nothing written, where its frame was committed before."""
    field_row = open_field(connection, run.run_id, result.field)
    session = ledger.open_session(connection, run.run_id, result.session, result.captured)
    if _is_committed(connection, session.session_id, field_row.field_id, result.frame_index):
        return False
    sent = (result.field, result.session, result.frame_index)
    ledger.account(connection, run.run_id, session, sent, result.losses)
    frame_id = _insert_frame(connection, result, field_row.field_id, session.session_id)
    next_crystal_id = field_row.next_crystal_id
    nucleated = _has_births(connection, field_row.field_id)
    if result.tracker is not None:
        step = result.tracker
        _write_points(connection, step.updated, frame_id, field_row.field_id)
        confirm_births(connection, field_row.field_id, step.born)
        end_trails(connection, field_row.field_id, step.ended)
        drop_trails(connection, field_row.field_id, step.dropped)
        next_crystal_id = max([next_crystal_id, *[one.crystal_id + 1 for one in step.updated]])
    replace_fits(connection, field_row.field_id, result.fits)
    _write_distributions(connection, result, frame_id)
    _write_events(connection, run, result, events_of(result, field_row.state, nucleated))
    _move_field(connection, result, field_row.field_id, frame_id, next_crystal_id)
    if result.state is not None:
        replace_state(connection, field_row.field_id, result.state)
    return True


def open_field(connection: Connection, run_id: int, name: str) -> FieldRow:
    """The field's row, made if need be."""
    wanted = select(field.c.field_id, field.c.next_crystal_id, field.c.state).where(
        field.c.run_id == run_id, field.c.name == name
    )
    found = connection.execute(wanted).one_or_none()
    if found is None:
        connection.execute(insert(field).values(run_id=run_id, name=name, next_crystal_id=1))
        found = connection.execute(wanted).one()
    return FieldRow(found.field_id, found.next_crystal_id, RunState(found.state) if found.state else None)


def replace_state(connection: Connection, field_id: int, state: FieldStateRecord) -> None:
    """Put the field's state for the next start in place of the last."""
    connection.execute(delete(field_state).where(field_state.c.field_id == field_id))
    connection.execute(
        insert(field_state).values(
            field_id=field_id,
            tracker_json=state.tracker_json,
            completion_json=state.completion_json,
            alerts_json=state.alerts_json,
            labels=state.labels,
        )
    )


def _is_committed(connection: Connection, session_id: int, field_id: int, frame_index: int) -> bool:
    wanted = select(frame.c.frame_id).where(
        frame.c.session_id == session_id, frame.c.frame_index == frame_index, frame.c.field_id == field_id
    )
    return connection.execute(wanted).one_or_none() is not None


def _has_births(connection: Connection, field_id: int) -> bool:
    born = exists().where(trail.c.field_id == field_id, trail.c.birth_kind == "born")
    return bool(connection.execute(select(born)).scalar())


def _insert_frame(connection: Connection, result: FrameResult, field_id: int, session_id: int) -> int:
    quality, completion = result.quality, result.completion
    values: dict[str, object] = {
        "field_id": field_id,
        "session_id": session_id,
        "frame_index": result.frame_index,
        "captured_at": result.captured.utc,
        "captured_boottime_ns": result.captured.boottime_ns,
        "time_source": result.time_source.value,
        "elapsed_s": result.elapsed_s,
        "age_s": result.age_s,
        "width_px": result.width_px,
        "height_px": result.height_px,
        "um_per_px": result.um_per_px,
        "source_name": result.source_name or None,
        "status": quality.status.value,
        "reason": quality.reason.value if quality.reason is not None else None,
        "detail": quality.detail or None,
        "backend": result.backend,
        "focus": quality.focus,
        "light": quality.light,
        "shift_x_px": quality.shift_x_px,
        "shift_y_px": quality.shift_y_px,
        "crystal_count": result.count,
        "total_area_px": result.total_area_px,
        "total_area_um2": result.total_area_um2,
        "archived": result.archived,
    }
    if completion is not None:
        t90, t95 = completion.t90, completion.t95
        values |= {
            "fraction": completion.fraction,
            "state": completion.state.value,
            "hold_coverage": completion.coverage,
            "t90_elapsed_s": t90.elapsed_s,
            "t90_low_s": t90.low_s,
            "t90_high_s": t90.high_s,
            "t95_elapsed_s": t95.elapsed_s,
            "t95_low_s": t95.low_s,
            "t95_high_s": t95.high_s,
            "forecast_reason": t95.reason or None,
        }
    finite = {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in values.items()
    }
    made = connection.execute(insert(frame).values(**finite))
    assert made.inserted_primary_key is not None
    return int(made.inserted_primary_key[0])


def _write_points(connection: Connection, points: Sequence[TrackPoint], frame_id: int, field_id: int) -> None:
    if points:
        follow_points(connection, field_id, points)
        execute_rows(connection, _INSERT_POINT, [point_row(one, frame_id, field_id) for one in points])


def _write_distributions(connection: Connection, result: FrameResult, frame_id: int) -> None:
    if result.distributions:
        rows = [
            {
                "frame_id": frame_id,
                "weighting": one.weighting,
                "border_rule": one.border_rule,
                "count": one.count,
                "d10_um": one.d10_um,
                "d50_um": one.d50_um,
                "d90_um": one.d90_um,
                "mean_um": one.mean_um,
                "cv": one.cv,
                "span": one.span,
            }
            for one in result.distributions
        ]
        connection.execute(insert(size_distribution), rows)


def _write_events(connection: Connection, run: Run, result: FrameResult, rows: list[EventRow]) -> None:
    if rows:
        values = [
            {
                "run_id": run.run_id,
                "field": result.field,
                "at": result.captured.utc,
                "elapsed_s": result.elapsed_s,
                "kind": row.event.kind.value,
                "crystal_id": row.event.crystal_id,
                "message": row.event.message,
                "value": row.event.value,
                "rule": row.alert.rule if row.alert else None,
                "alert_kind": row.alert.kind.value if row.alert else None,
                "limit_value": row.alert.limit if row.alert else None,
                "details": json.dumps(dict(row.details)) if row.details else None,
            }
            for row in rows
        ]
        connection.execute(insert(event), values)


def _move_field(
    connection: Connection, result: FrameResult, field_id: int, frame_id: int, next_crystal_id: int
) -> None:
    values: dict[str, object] = {"last_frame_id": frame_id, "next_crystal_id": next_crystal_id}
    if result.quality.status is FrameStatus.OK:
        values["last_ok_frame_id"] = frame_id
    completion = result.completion
    if completion is not None:
        values |= {
            "state": completion.state.value,
            "explanation": completion.explanation,
            "decided_by": json.dumps(dict(completion.decided_by)),
            "completed_elapsed_s": completion.completed_elapsed_s,
        }
        values["completed_at"] = None
        if completion.completed_elapsed_s is not None:
            ago_s = result.elapsed_s - completion.completed_elapsed_s
            values["completed_at"] = result.captured.utc - timedelta(seconds=ago_s)
    connection.execute(update(field).where(field.c.field_id == field_id).values(**values))
