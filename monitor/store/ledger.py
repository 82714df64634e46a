"""The loss ledger: every sequence number of a grabber's session is a frame's row or in one loss range.

The store closes the ledger by itself: what lies between the last number accounted for and the present frame,
and is in none of the losses that came with it, is written as `unknown` (frames in flight when a process was
killed). Ranges that were accounted for before are clipped, so a loss reported twice counts once.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from monitor.clock import Instant
from monitor.frame import FrameLoss
from monitor.records.run import FramesPassedOver, SessionEnded
from monitor.store.bulk import execute_row
from monitor.store.single_rows import update_row
from monitor.store.tables import frame_loss, grabber_session

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as the ledger knows it."""

    session_id: int
    """Key of its row."""
    next_index: int
    """The first sequence number that is not accounted for."""


_SESSION = select(grabber_session.c.session_id, grabber_session.c.next_index).where(
    grabber_session.c.run_id == bindparam("in_run"), grabber_session.c.session == bindparam("called")
)


def open_session(connection: Connection, run_id: int, session: str, captured: Instant) -> SessionRow:
    """The session's row in this run, made if need be.

    A session that an earlier run has seen counts from where that run left it, a new one from 0.
    """
    sessions = grabber_session.c
    found = execute_row(connection, _SESSION, ("in_run", "called"), (run_id, session))
    if found:
        return SessionRow(*found[0])
    earlier = connection.execute(
        select(func.max(sessions.next_index)).where(sessions.session == session)
    ).scalar()
    first_index = earlier or 0
    made = connection.execute(
        insert(grabber_session).values(
            run_id=run_id,
            session=session,
            boot_id=captured.boot_id,
            first_seen_at=captured.utc,
            first_index=first_index,
            next_index=first_index,
        )
    )
    assert made.inserted_primary_key is not None
    return SessionRow(made.inserted_primary_key[0], first_index)


def account(
    connection: Connection,
    run_id: int,
    row: SessionRow,
    frame: tuple[str, str, int],
    losses: tuple[FrameLoss, ...],
) -> None:
    """Write the losses up to the frame (field, session, frame_index), which is itself considered."""
    field, session, frame_index = frame
    if frame_index < row.next_index:
        _take_out_of_losses(connection, run_id, session, frame_index)
    ranges = uncounted(
        row.next_index, frame_index, [loss for loss in losses if loss.session == session], field, session
    )
    reach = max([frame_index, *[loss.last_index for loss in ranges]])
    _insert_ranges(connection, run_id, ranges)
    if reach >= row.next_index:
        _move_on(connection, row.session_id, reach + 1)
    for other in sorted({loss.session for loss in losses} - {session}):
        _account_elsewhere(connection, run_id, other, [loss for loss in losses if loss.session == other])


def uncounted(
    next_index: int, frame_index: int, losses: list[FrameLoss], field: str, session: str
) -> list[FrameLoss]:
    """The ranges to write: the losses from `next_index` on, gaps filled as unknown.

    Exact: every number from `next_index` to the largest of the frame's and the losses' is in one range and no more,
    but for the frame. A source reports no loss beyond its frame; if one did, what lies between would be unknown, and
    a frame from there that came after all would be cut out again.
    """
    ranges: list[FrameLoss] = []
    position = next_index

    def fill_to(end: int) -> None:
        for first, last in _without(position, end, frame_index) if position <= end else ():
            ranges.append(FrameLoss(session, first, last, UNKNOWN, field))

    for loss in sorted(losses, key=lambda one: one.first_index):
        for first, last in _without(loss.first_index, loss.last_index, frame_index):
            start = max(first, position)
            if start > last:
                continue
            fill_to(start - 1)
            ranges.append(FrameLoss(session, start, last, loss.reason, loss.field))
            position = last + 1
    fill_to(frame_index - 1)
    return ranges


def end_session(connection: Connection, run_id: int, change: SessionEnded) -> None:
    """Record how the session ended; what a goodbye says was sent after the last frame seen is lost."""
    row = open_session(connection, run_id, change.session, change.at)
    if change.losses:
        _account_elsewhere(connection, run_id, change.session, list(change.losses))
        row = open_session(connection, run_id, change.session, change.at)
    if change.last_index is not None and change.last_index >= row.next_index:
        field = _field_of(connection, run_id, change.session)
        tail = FrameLoss(change.session, row.next_index, change.last_index, "lost", field)
        _insert_ranges(connection, run_id, [tail])
        _move_on(connection, row.session_id, change.last_index + 1)
    connection.execute(
        update(grabber_session)
        .where(grabber_session.c.session_id == row.session_id)
        .values(ended=change.kind.value, ended_at=change.at.utc, tail_at_most=change.tail_at_most)
    )


def pass_over(connection: Connection, run_id: int, change: FramesPassedOver) -> None:
    """Write losses that wait for no frame, in a session that may have had none yet."""
    open_session(connection, run_id, change.session, change.at)
    _account_elsewhere(connection, run_id, change.session, list(change.losses))


def _field_of(connection: Connection, run_id: int, session: str) -> str:
    known = (
        select(frame_loss.c.field)
        .where(frame_loss.c.run_id == run_id, frame_loss.c.session == session)
        .limit(1)
    )
    return connection.execute(known).scalar() or ""


def _account_elsewhere(connection: Connection, run_id: int, session: str, losses: list[FrameLoss]) -> None:
    """Losses of a session other than the frame's: the tail of one that ended."""
    found = connection.execute(
        select(grabber_session.c.session_id, grabber_session.c.next_index).where(
            grabber_session.c.run_id == run_id, grabber_session.c.session == session
        )
    ).one_or_none()
    if found is None:
        return
    reach = max(loss.last_index for loss in losses)
    ranges = uncounted(found.next_index, reach + 1, losses, losses[0].field, session)
    _insert_ranges(connection, run_id, ranges)
    if reach >= found.next_index:
        _move_on(connection, found.session_id, reach + 1)


def _take_out_of_losses(connection: Connection, run_id: int, session: str, frame_index: int) -> None:
    """A frame that had been given up has come after all: cut it out of its range."""
    losses = frame_loss.c
    inside = (
        losses.run_id == run_id,
        losses.session == session,
        losses.first_index <= frame_index,
        losses.last_index >= frame_index,
    )
    found = connection.execute(select(frame_loss).where(*inside)).one_or_none()
    if found is None:
        return
    connection.execute(delete(frame_loss).where(losses.loss_id == found.loss_id))
    rest = [
        FrameLoss(session, first, last, found.reason, found.field)
        for first, last in _without(found.first_index, found.last_index, frame_index)
    ]
    _insert_ranges(connection, run_id, rest)


def _without(first: int, last: int, index: int) -> list[tuple[int, int]]:
    if not first <= index <= last:
        return [(first, last)]
    return [(start, end) for start, end in ((first, index - 1), (index + 1, last)) if start <= end]


def _insert_ranges(connection: Connection, run_id: int, ranges: list[FrameLoss]) -> None:
    if ranges:
        rows = [
            {
                "run_id": run_id,
                "field": loss.field,
                "session": loss.session,
                "first_index": loss.first_index,
                "last_index": loss.last_index,
                "count": loss.count,
                "reason": loss.reason,
            }
            for loss in ranges
        ]
        connection.execute(insert(frame_loss), rows)


def _move_on(connection: Connection, session_id: int, next_index: int) -> None:
    update_row(connection, grabber_session, ("session_id", session_id), {"next_index": next_index})
