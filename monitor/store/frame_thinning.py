"""Which frames of a block go, of a run that is thinned, and how they stay counted."""

from __future__ import annotations

from collections import Counter

import numpy as np
from sqlalchemy import Connection, select, text

from monitor.store.tables import event, field, frame, run
from monitor.store.thinning import changes

_KIND = (
    frame.c.session_id,
    frame.c.status,
    frame.c.reason,
    frame.c.state,
    frame.c.backend,
    frame.c.um_per_px,
)
_FIELD = select(field.c.run_id, field.c.name, run.c.zero_s).join(run, run.c.run_id == field.c.run_id)
_REMOVE = text(
    "DELETE FROM frame WHERE frame_id = :frame_id "
    "AND NOT EXISTS (SELECT 1 FROM point p WHERE p.frame_id = frame.frame_id) "
    "AND NOT EXISTS (SELECT 1 FROM size_distribution d WHERE d.frame_id = frame.frame_id) "
    "RETURNING session_id, status"
)


def surplus_frames(
    connection: Connection, field_id: int, first_id: int, last_id: int, every_s: float
) -> list[int]:
    """Of the field's frames from one to the other those that may go, but for frames that have points left.

    Kept are the first of every stretch of `every_s` seconds; the two ends; archived frames and those at events; both
    frames where status, reason, state, back end, calibration or session change, and with them the field's last good
    one, whose totals the run's are; the last good one before time zero, by which the run's induction is told.
    """
    (run_id, name, zero_s) = connection.execute(_FIELD.where(field.c.field_id == field_id)).one()
    here = (frame.c.field_id == field_id, frame.c.frame_id >= first_id, frame.c.frame_id <= last_id)
    rows = connection.execute(
        select(frame.c.frame_id, frame.c.elapsed_s, frame.c.archived, *_KIND)
        .where(*here)
        .order_by(frame.c.frame_id)
    ).all()
    if len(rows) < 3:
        return []
    at_zero = (
        select(frame.c.frame_id)
        .where(frame.c.field_id == field_id, frame.c.status == "ok", frame.c.elapsed_s <= zero_s)
        .order_by(frame.c.elapsed_s.desc())
        .limit(1)
    )
    kept_ids = {rows[0].frame_id, rows[-1].frame_id, connection.execute(at_zero).scalar()}
    times_s = [row.elapsed_s for row in rows]
    happened = select(event.c.elapsed_s).where(
        event.c.run_id == run_id,
        (event.c.field == name) | event.c.field.is_(None),
        event.c.elapsed_s.between(min(times_s), max(times_s)),
    )
    at_events = set(connection.execute(happened).scalars())
    numbers: dict[tuple[object, ...], int] = {}
    kinds = np.array([numbers.setdefault(tuple(row[3:]), len(numbers)) for row in rows], np.int64)
    surplus: list[int] = []
    stretch: float | None = None
    for row, changed in zip(rows, changes(kinds).tolist(), strict=True):
        last, stretch = stretch, row.elapsed_s // every_s
        if stretch != last or changed or row.archived is not None:
            continue
        if row.elapsed_s not in at_events and row.frame_id not in kept_ids:
            surplus.append(row.frame_id)
    return surplus


def remove_frames(connection: Connection, field_id: int, frame_ids: list[int]) -> None:
    """Remove those of the frames of which nothing is left, and count them in their session and field."""
    sessions: Counter[int] = Counter()
    statuses: Counter[str] = Counter()
    for frame_id in frame_ids:
        for session_id, status in connection.execute(_REMOVE, {"frame_id": frame_id}):
            sessions[session_id] += 1
            statuses[status] += 1
    for session_id, count in sessions.items():
        counted = (
            "UPDATE grabber_session SET frames_thinned = frames_thinned + :count WHERE session_id = :key"
        )
        connection.execute(text(counted), {"count": count, "key": session_id})
    for status, count in statuses.items():
        counted = f"UPDATE field SET {status}_thinned = {status}_thinned + :count WHERE field_id = :key"  # noqa: S608  # names of ours
        connection.execute(text(counted), {"count": count, "key": field_id})
