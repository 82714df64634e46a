"""Whether runs and acknowledgements in the other tables are what the audit trail tells of them.

Frames, points, trails and all other events are not compared with anything: the trail does not hold them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from monitor.records.audit import AuditKind
from monitor.store.audit_chain import Fault
from monitor.store.audit_deeds import HASHED_PROVENANCE, PROVENANCE, text_sha256
from monitor.store.reading_connection import LONG_READ_S, ReadingConnection

_COMPARED = (*HASHED_PROVENANCE, *PROVENANCE)
# A run that was thinned is still there: the row that tells so excuses no removal.
_STARTED = f"""
SELECT a.seq, a.run_id, a.details, r.run_id AS found, {", ".join(f"r.{name}" for name in _COMPARED)}
FROM audit a LEFT JOIN run r ON r.run_id = a.run_id
WHERE a.kind = '{AuditKind.RUN_STARTED}' AND (r.run_id IS NOT NULL OR NOT EXISTS
  (SELECT 1 FROM audit d WHERE d.run_id = a.run_id AND d.kind = '{AuditKind.DATA_DELETED}'
    AND d.details NOT LIKE '%"retention":%'))
ORDER BY a.seq"""  # noqa: S608  # names of ours
_TOLD = f"""
SELECT seq, kind, run_id, details FROM audit
WHERE kind IN ('{AuditKind.RUN_STARTED}', '{AuditKind.RUN_ENDED}', '{AuditKind.TIME_ZERO}', '{AuditKind.ACKNOWLEDGED}')
ORDER BY seq"""  # noqa: S608  # names of ours
_RUNS = "SELECT run_id, zero_s, ended_at FROM run ORDER BY run_id"
_ACKNOWLEDGED = "SELECT event_id, run_id FROM event WHERE acknowledged_at IS NOT NULL ORDER BY event_id"
# A run that is being removed loses its events before its own row.
_KEPT = "SELECT run_id FROM run WHERE points_to_remove IS NULL"
_REMOVED = f"""
SELECT MIN(run_id) FROM (SELECT run_id FROM run WHERE points_to_remove IS NOT NULL UNION ALL
  SELECT run_id FROM audit WHERE kind = '{AuditKind.DATA_DELETED}' AND details NOT LIKE '%"retention":%') AS r"""  # noqa: S608  # names of ours


def disagreements(connection: ReadingConnection) -> list[Fault]:
    """What the tables and the trail do not agree about. Raises `QueryError`.

    They are read one after the other, and a daemon may write between: what is found is a fault if it is found again.
    """
    found = list(_disagreements(connection))
    again = set(_disagreements(connection)) if found else set()
    return [fault for fault in found if fault in again]


def _disagreements(connection: ReadingConnection) -> Iterator[Fault]:
    yield from _starts(connection)
    told = _told(connection)
    for run_id, zero_s, ended_at in connection.stream(_RUNS, {}, LONG_READ_S).rows():
        for message in told.against(run_id, zero_s, ended_at):
            yield Fault(None, message)
    yield from _acknowledgements(connection, told)


def _starts(connection: ReadingConnection) -> Iterator[Fault]:
    """Whether every run's row still says what the run was started with, or was deleted with a row that tells so."""
    for row in connection.stream(_STARTED, {}, LONG_READ_S).records():
        run, told = f"run {row['run_id']!s}", f"(row {row['seq']!s})"
        if row["found"] is None:
            yield Fault(None, f"{run} {told} is gone, and no row of the trail tells who deleted it")
            continue
        details = _details(row["details"])
        now: dict[str, tuple[str, object]] = {name: (name, row[name]) for name in PROVENANCE}
        now |= {key: (name, text_sha256(str(row[name]))) for name, key in HASHED_PROVENANCE.items()}
        for key, (name, value) in now.items():
            if key in details and details[key] != value:  # a row of an earlier version tells less
                are = "settings are not those that" if name == "settings" else f"{name} is not the one that"
                yield Fault(None, f"{run}: its {are} it was started with {told}")


@dataclass(frozen=True, slots=True)
class _Acknowledged:
    """What the trail tells of an acknowledged event."""

    seq: object
    """The row's number."""
    run_id: object
    """The event's run; where `of_event` is false the run that was open then, which may be a later one."""
    of_event: bool
    """Whether the row was written since they name the event's own run."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the trail tells of runs that may have changed since their start: the row's number, and the figure."""

    runs_before: int
    """Runs up to this number are older than the trail."""
    started: set[object] = dataclass_field(default_factory=set)
    ends: dict[object, tuple[object, object]] = dataclass_field(default_factory=dict)
    zeros: dict[object, tuple[object, object]] = dataclass_field(default_factory=dict)
    acknowledged: dict[int, _Acknowledged] = dataclass_field(default_factory=dict)
    """By the event's number."""

    def is_older(self, run_id: object) -> bool:
        """Whether the run began before the trail."""
        return isinstance(run_id, int) and run_id <= self.runs_before

    def against(self, run_id: object, zero_s: object, ended_at: object) -> Iterator[str]:
        """What is wrong with the run's row."""
        run, untold = f"run {run_id!s}", "and no row of the trail tells of it"
        older = self.is_older(run_id)
        if not older and run_id not in self.started:
            yield f"{run} was started, {untold}"
        if run_id in self.ends:
            seq, told = self.ends[run_id]
            if ended_at is None or told not in (None, ended_at):
                yield f"{run}: its ended_at is not the one that it was ended with (row {seq!s})"
        elif ended_at is not None and not older:
            yield f"{run} was ended, {untold}"
        if run_id in self.zeros:
            seq, told = self.zeros[run_id]
            if told != zero_s:
                yield f"{run}: its time zero (zero_s) is not the one that was set last (row {seq!s})"
        elif zero_s != 0.0 and not older:
            yield f"{run}: its time zero (zero_s) was set, {untold}"


def _told(connection: ReadingConnection) -> _Told:
    first = connection.ask("SELECT details FROM audit ORDER BY seq LIMIT 1").rows
    before = _details(first[0][0]).get("runs_before") if first else None
    told = _Told(before if type(before) is int else 0)
    for seq, kind, run_id, details in connection.stream(_TOLD, {}, LONG_READ_S).rows():
        match kind:
            case AuditKind.RUN_STARTED:
                told.started.add(run_id)
            case AuditKind.RUN_ENDED:
                told.ends[run_id] = seq, _details(details).get("ended_at")
            case AuditKind.TIME_ZERO:
                told.zeros[run_id] = seq, _details(details).get("after_s")
            case _:
                found = _details(details)
                event_id = found.get("event_id")
                if isinstance(event_id, int):
                    told.acknowledged[event_id] = _Acknowledged(seq, run_id, "run_id" in found)
    return told


def _acknowledgements(connection: ReadingConnection, told: _Told) -> Iterator[Fault]:
    found: set[object] = set()
    for event_id, run_id in connection.stream(_ACKNOWLEDGED, {}, LONG_READ_S).rows():
        found.add(event_id)
        if event_id not in told.acknowledged and not told.is_older(run_id):
            yield Fault(
                None,
                f"event {event_id!s} of run {run_id!s} was acknowledged, and no row of the trail tells of it",
            )
    # Read after the events, for a removal may have begun meanwhile.
    kept = {run_id for (run_id,) in connection.stream(_KEPT, {}, LONG_READ_S).rows()}
    first_removed = connection.ask(_REMOVED).rows[0][0]
    for event, row in told.acknowledged.items():
        if event in found or (row.run_id not in kept and not _exists(connection, event)):
            continue
        # A row that names the run that was open then: the event may have gone with an earlier one.
        of_earlier_run = (
            isinstance(first_removed, int) and isinstance(row.run_id, int) and first_removed < row.run_id
        )
        if not row.of_event and of_earlier_run and not _exists(connection, event):
            continue
        yield Fault(
            None, f"event {event!s} of run {row.run_id!s} is no longer acknowledged as row {row.seq!s} tells"
        )


def _exists(connection: ReadingConnection, event_id: int) -> bool:
    return bool(connection.ask(f"SELECT 1 FROM event WHERE event_id = {event_id}").rows)  # noqa: S608  # a number


def _details(text: object) -> Mapping[str, object]:
    """The JSON object; nothing where there is none: its row's hash tells of that."""
    try:
        found = json.loads(str(text))
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
