"""A run removed whole, in slices; that it was there stays in `tidying_log`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, insert, text

from monitor.clock import Instant
from monitor.records.audit import AuditEntry, AuditKind
from monitor.store.audit import write_audit
from monitor.store.tables import tidying

_OLDEST = (
    "SELECT fr.frame_id, COALESCE(fr.crystal_count, 0) FROM frame fr JOIN field f ON f.field_id = fr.field_id "
    "WHERE f.run_id = :run_id ORDER BY fr.frame_id LIMIT 200"
)
_FIELDS = "SELECT field_id FROM field WHERE run_id = :run_id"
_EVENTS = "SELECT event_id FROM event WHERE run_id = :run_id"
_BY_FRAME = ("point", "size_distribution", "frame")
_REST = (
    f"DELETE FROM trail WHERE field_id IN ({_FIELDS})",  # noqa: S608  # constants
    f"DELETE FROM field_state WHERE field_id IN ({_FIELDS})",  # noqa: S608  # constants
    "DELETE FROM field WHERE run_id = :run_id",
    "DELETE FROM frame_loss WHERE run_id = :run_id",
    "DELETE FROM grabber_session WHERE run_id = :run_id",
    f"DELETE FROM delivery WHERE event_id IN ({_EVENTS})",  # noqa: S608  # constants
    "DELETE FROM event WHERE run_id = :run_id",
    "DELETE FROM run WHERE run_id = :run_id",
)


def removal(
    transact: Callable[..., Any],
    run_id: int,
    name: str,
    now: Instant,
    *,
    dry_run: bool,
    rows: int,
    tidied: Callable[..., Any],
) -> Iterator[Any]:
    """Remove the run, some frames with their points between two steps, then all else in one."""
    doing = f"removing run {run_id} from"
    wanted = {"run_id": run_id}
    points = transact(lambda connection: _points(connection, wanted), doing)
    if not dry_run:
        while transact(lambda connection: _remove_frames(connection, wanted, rows), doing):
            yield None
        transact(lambda connection: _conclude(connection, run_id, name, now, points), doing)
    yield tidied(run_id, name, "removed", points, points)


def _points(connection: Connection, wanted: dict[str, int]) -> int:
    sql = f"SELECT COALESCE(SUM(points), 0) FROM trail WHERE field_id IN ({_FIELDS})"  # noqa: S608  # constants
    return int(connection.execute(text(sql), wanted).scalar_one())


def _remove_frames(connection: Connection, wanted: dict[str, int], rows: int) -> int:
    """Remove the oldest frames, so many that about `rows` points go with them; how many frames went."""
    frames: list[int] = []
    points = 0
    for frame_id, crystals in connection.execute(text(_OLDEST), wanted):
        frames.append(frame_id)
        points += 1 + crystals
        if points >= rows:
            break
    for table in _BY_FRAME:
        gone = text(f"DELETE FROM {table} WHERE frame_id = :frame_id")  # noqa: S608  # names of ours
        for frame_id in frames:
            connection.execute(gone, {"frame_id": frame_id})
    return len(frames)


def _conclude(connection: Connection, run_id: int, name: str, now: Instant, points: int) -> None:
    facts = text("SELECT started_at, ended_at, station FROM run WHERE run_id = :run_id")
    row = connection.execute(facts, {"run_id": run_id}).one()
    detail = json.dumps({"started_at": str(row[0]), "ended_at": str(row[1]), "station": row[2]})
    for sql in _REST:
        connection.execute(text(sql), {"run_id": run_id})
    message = f"run {name!r} was removed, with {points} points"
    details = {"points_removed": points, "started_at": str(row[0]), "ended_at": str(row[1])}
    entry = AuditEntry(AuditKind.DATA_DELETED, message, run_id=run_id, station=row[2], details=details)
    write_audit(connection, entry)
    connection.execute(
        insert(tidying).values(
            at=now.utc, run_id=run_id, run_name=name, action="removed", points_removed=points, detail=detail
        )
    )
