"""A `FrameResult` as rows, all of them within the caller's transaction."""

from __future__ import annotations

from math import isfinite

from sqlalchemy import Connection, bindparam, exists, insert, select, text, update

from monitor.records.result import FrameResult
from monitor.records.run import Run
from monitor.records.vocabulary import FrameStatus
from monitor.store import ledger
from monitor.store.audit import write_audit
from monitor.store.audit_deeds import frame_deeds
from monitor.store.bulk import execute_row, execute_rows, insert_rows
from monitor.store.column_types import FLAGS
from monitor.store.field_rows import completion_values, insert_events, replace_state
from monitor.store.frame_events import events_of
from monitor.store.frame_place import frame_place
from monitor.store.frame_points import frame_points
from monitor.store.point_rows import POINT_NAMES
from monitor.store.single_rows import insert_row, update_row
from monitor.store.tables import field, frame, grabber_session, point, size_distribution, trail
from monitor.store.trail_rows import (
    confirm_births,
    drop_trails,
    end_trails,
    fit_figures,
    fit_trails,
    follow_trails,
)

_INSERT_POINT = insert(point)
_INSERT_DISTRIBUTION = insert(size_distribution)
_DISTRIBUTION_NAMES = tuple(size_distribution.columns.keys())


def append_frame(connection: Connection, run: Run, result: FrameResult) -> bool:
    """Write all of the result; False, and nothing written, where its frame was committed before."""
    place = frame_place(connection, run.run_id, result)
    if place.taken:
        return False
    field_row, session = place.field, place.session
    sent = (result.field, result.session, result.frame_index)
    ledger.account(connection, run.run_id, session, sent, result.losses)
    frame_id = _insert_frame(connection, result, field_row.field_id, session.session_id)
    next_crystal_id = field_row.next_crystal_id
    # Only births ask for it: in a field that never nucleates it would look at every trail that was given up, always.
    step = result.tracker
    nucleated = step is not None and bool(step.born) and _has_nucleated(connection, field_row.field_id)
    _write_points(connection, result, frame_id, field_row.field_id, next_crystal_id)
    if step is not None:
        confirm_births(connection, field_row.field_id, step.born)
        end_trails(connection, field_row.field_id, step.ended, result.elapsed_s)
        drop_trails(connection, field_row.field_id, step.dropped, result.elapsed_s)
        next_crystal_id = max([next_crystal_id, *[one.crystal_id + 1 for one in step.updated]])
    _write_distributions(connection, result, frame_id)
    events = events_of(result, field_row.state, nucleated)
    insert_events(connection, run.run_id, result.field, result.captured, result.elapsed_s, events)
    _correct_archive(connection, result, field_row.field_id)
    for deed in frame_deeds(run, result):
        write_audit(connection, deed)
    _move_field(connection, result, field_row.field_id, frame_id, next_crystal_id)
    if result.state is not None:
        replace_state(connection, field_row.field_id, result.state)
    return True


_NUCLEATED = select(
    exists().where(
        trail.c.field_id == bindparam("in_field"), text("trail.birth_kind IN ('born', 'present_at_start')")
    )
)


def _has_nucleated(connection: Connection, field_id: int) -> bool:
    ((nucleated,),) = execute_row(connection, _NUCLEATED, ("in_field",), (field_id,))
    return bool(nucleated)


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
    return insert_row(connection, frame, finite)


def _write_points(
    connection: Connection, result: FrameResult, frame_id: int, field_id: int, first_new_id: int
) -> None:
    points = result.tracker.updated if result.tracker is not None else ()
    figures = fit_figures(result.fits)
    rows = frame_points(
        points, figures, (frame_id, field_id, result.elapsed_s), FLAGS[connection.dialect.name]
    )
    follow_trails(connection, field_id, rows.followed, rows.fitted, first_new_id)
    without_point = figures.keys() - {row[-1] for row in rows.fitted}
    alone = {crystal_id: figures[crystal_id] for crystal_id in sorted(without_point)}
    fit_trails(connection, field_id, alone, result.elapsed_s)
    insert_rows(connection, _INSERT_POINT, POINT_NAMES, rows.points)


def _write_distributions(connection: Connection, result: FrameResult, frame_id: int) -> None:
    rows = [
        (
            frame_id, one.weighting, one.border_rule, one.count,
            one.d10_um, one.d50_um, one.d90_um, one.mean_um, one.cv, one.span,
        )
        for one in result.distributions
    ]  # fmt: skip
    execute_rows(connection, _INSERT_DISTRIBUTION, _DISTRIBUTION_NAMES, rows)


def _correct_archive(connection: Connection, result: FrameResult, field_id: int) -> None:
    for name in result.archive_dropped:
        connection.execute(update(frame).where(frame.c.archived == name).values(archived=None))
    for kept in result.archived_before:
        sessions = select(grabber_session.c.session_id).where(grabber_session.c.session == kept.session)
        here = update(frame).where(
            frame.c.session_id.in_(sessions),
            frame.c.frame_index == kept.frame_index,
            frame.c.field_id == field_id,
        )
        connection.execute(here.values(archived=kept.name))


def _move_field(
    connection: Connection, result: FrameResult, field_id: int, frame_id: int, next_crystal_id: int
) -> None:
    values: dict[str, object] = {"last_frame_id": frame_id, "next_crystal_id": next_crystal_id}
    if result.quality.status is FrameStatus.OK:
        values["last_ok_frame_id"] = frame_id
    completion = result.completion
    if completion is not None:
        values |= completion_values(completion, result.captured, result.elapsed_s)
    update_row(connection, field, ("field_id", field_id), values)
