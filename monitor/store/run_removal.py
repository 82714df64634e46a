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

_FIELDS = "SELECT field_id FROM field WHERE run_id = :run_id"
_UNDELIVERED = (
    "SELECT e.run_id, COUNT(*) FROM delivery d JOIN event e ON e.event_id = d.event_id WHERE d.state = 'pending' "
    "GROUP BY e.run_id"
)
_POINTS = f"SELECT COALESCE(SUM(points), 0) FROM trail WHERE field_id IN ({_FIELDS})"  # noqa: S608  # constants
_BEGIN = "UPDATE run SET points_to_remove = :points WHERE run_id = :run_id AND points_to_remove IS NULL"
# In the order of an index: nothing is sorted.
_OLDEST = (
    "SELECT frame_id, COALESCE(crystal_count, 0) FROM frame WHERE field_id = :field_id "
    "ORDER BY elapsed_s LIMIT 200"
)
_BY_FRAME = ("point", "size_distribution", "frame")
_TRAILS = (
    "DELETE FROM trail WHERE field_id = :field_id AND crystal_id IN "
    "(SELECT crystal_id FROM trail WHERE field_id = :field_id ORDER BY crystal_id LIMIT :rows)"
)
_LOSSES = "DELETE FROM frame_loss WHERE loss_id IN (SELECT loss_id FROM frame_loss WHERE run_id = :run_id LIMIT :rows)"
_EVENTS = "SELECT event_id FROM event WHERE run_id = :run_id LIMIT :rows"
_DELIVERIES = "DELETE FROM delivery WHERE event_id = :event_id"
_EVENT = "DELETE FROM event WHERE event_id = :event_id"
_REST = (
    f"DELETE FROM field_state WHERE field_id IN ({_FIELDS})",  # noqa: S608  # constants
    "DELETE FROM field WHERE run_id = :run_id",
    "DELETE FROM grabber_session WHERE run_id = :run_id",
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
    """Remove the run, about `rows` rows between two steps, its own row and that it was removed in the last."""
    doing = f"removing run {run_id} from"
    if dry_run:
        points = transact(lambda connection: points_of(connection, run_id), doing)
        yield tidied(run_id, name, "removed", points, points, None)
        return
    points, fields = transact(lambda connection: _begin(connection, run_id), doing)
    for field_id in fields:
        while transact(lambda connection: _remove_frames(connection, field_id, rows), doing):  # noqa: B023  # called at once
            yield None
        trails = {"field_id": field_id, "rows": rows}
        # No point of the field is left that could refer to a trail, and SQLite would read all others for each trail.
        while transact(lambda connection: _slice(connection, _TRAILS, trails), doing, check_references=False):  # noqa: B023  # called at once
            yield None
    of_run = {"run_id": run_id, "rows": rows}
    while transact(lambda connection: _slice(connection, _LOSSES, of_run), doing):
        yield None
    while transact(lambda connection: _remove_events(connection, of_run), doing):
        yield None
    transact(lambda connection: _conclude(connection, run_id, name, now, points), doing)
    yield tidied(run_id, name, "removed", points, points, None)


def undelivered(connection: Connection) -> dict[int, int]:
    """By run: how many alerts are on their way to a sink, counted per sink; runs without any are not named."""
    return {int(run_id): int(alerts) for run_id, alerts in connection.execute(text(_UNDELIVERED))}


def points_of(connection: Connection, run_id: int) -> int:
    """How many points the run's trails say that they have."""
    return int(connection.execute(text(_POINTS), {"run_id": run_id}).scalar_one())


def _begin(connection: Connection, run_id: int) -> tuple[int, list[int]]:
    """How many points go, as was found when the removal began first, and the fields."""
    run = {"run_id": run_id}
    connection.execute(text(_BEGIN), run | {"points": points_of(connection, run_id)})
    points = connection.execute(text("SELECT points_to_remove FROM run WHERE run_id = :run_id"), run)
    fields = connection.execute(text(f"{_FIELDS} ORDER BY field_id"), run)
    return int(points.scalar_one()), list(fields.scalars())


def _remove_frames(connection: Connection, field_id: int, rows: int) -> int:
    """Remove the oldest frames, so many that about `rows` points go with them; how many frames went."""
    frames: list[int] = []
    points = 0
    for frame_id, crystals in connection.execute(text(_OLDEST), {"field_id": field_id}):
        frames.append(frame_id)
        points += 1 + crystals
        if points >= rows:
            break
    for table in _BY_FRAME:
        gone = text(f"DELETE FROM {table} WHERE frame_id = :frame_id")  # noqa: S608  # names of ours
        for frame_id in frames:
            connection.execute(gone, {"frame_id": frame_id})
    return len(frames)


def _remove_events(connection: Connection, of_run: dict[str, int]) -> int:
    events = list(connection.execute(text(_EVENTS), of_run).scalars())
    for sql in (_DELIVERIES, _EVENT):
        for event_id in events:
            connection.execute(text(sql), {"event_id": event_id})
    return len(events)


def _slice(connection: Connection, sql: str, wanted: dict[str, int]) -> int:
    return connection.execute(text(sql), wanted).rowcount


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
