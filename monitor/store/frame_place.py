"""Where a frame belongs: its field's and its session's row, and whether it was committed before; asked once a frame."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, select

from monitor.records.result import FrameResult
from monitor.records.vocabulary import RunState
from monitor.store.bulk import execute_row
from monitor.store.field_rows import FieldRow, open_field
from monitor.store.ledger import SessionRow, open_session
from monitor.store.tables import field, frame, grabber_session


@dataclass(frozen=True, slots=True)
class FramePlace:
    """The rows that a frame's row will name."""

    field: FieldRow
    """Its field."""
    session: SessionRow
    """Its grabber session in this run."""
    taken: bool
    """Whether a frame of this field, session and index was committed before."""


_NAMES = ("in_run", "called", "of_session", "at_index")
_PLACE = (
    select(
        field.c.field_id,
        field.c.next_crystal_id,
        field.c.state,
        grabber_session.c.session_id,
        grabber_session.c.next_index,
        frame.c.frame_id,
    )
    .outerjoin(
        grabber_session,
        and_(
            grabber_session.c.run_id == field.c.run_id, grabber_session.c.session == bindparam("of_session")
        ),
    )
    .outerjoin(
        frame,
        and_(
            frame.c.session_id == grabber_session.c.session_id,
            frame.c.frame_index == bindparam("at_index"),
            frame.c.field_id == field.c.field_id,
        ),
    )
    .where(field.c.run_id == bindparam("in_run"), field.c.name == bindparam("called"))
)


def frame_place(connection: Connection, run_id: int, result: FrameResult) -> FramePlace:
    """The frame's place; field and session are made if need be."""
    wanted = (run_id, result.field, result.session, result.frame_index)
    found = execute_row(connection, _PLACE, _NAMES, wanted)
    if not found or found[0][3] is None:
        return FramePlace(
            open_field(connection, run_id, result.field),
            open_session(connection, run_id, result.session, result.captured),
            taken=False,
        )
    ((field_id, next_crystal_id, state, session_id, next_index, frame_id),) = found
    return FramePlace(
        FieldRow(field_id, next_crystal_id, RunState(state) if state else None),
        SessionRow(session_id, next_index),
        taken=frame_id is not None,
    )
