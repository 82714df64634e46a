"""Whether the audit trail of a store is as it was written: its chain, its triggers, and the deeds that it tells of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.errors import QueryError
from monitor.records.audit import AuditKind
from monitor.store.audit_chain import COLUMNS, AuditRow, ChainReport, Fault, check_chain
from monitor.store.audit_deeds import PROVENANCE, settings_sha256
from monitor.store.audit_table import POSTGRESQL_FUNCTIONS, POSTGRESQL_TRIGGERS, SQLITE_TRIGGERS
from monitor.store.location import StoreLocation, locate
from monitor.store.reading_connection import ReadingConnection, connect_for_reading

LONG_READ_S = 3600.0
_ALL = f"SELECT {', '.join(COLUMNS)} FROM audit ORDER BY seq"  # noqa: S608  # names of ours

_SQLITE_TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
_POSTGRESQL_TRIGGERS = """
SELECT t.tgname, t.tgtype, CAST(t.tgenabled AS TEXT), t.tgqual IS NULL, p.proname, p.prosrc
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = to_regclass('audit') AND NOT t.tgisinternal"""

# A run that was thinned is still there: the row that tells so excuses no removal.
_RUNS = f"""
SELECT a.seq, a.run_id, a.details, r.run_id AS found, r.settings, {", ".join(f"r.{name}" for name in PROVENANCE)}
FROM audit a LEFT JOIN run r ON r.run_id = a.run_id
WHERE a.kind = '{AuditKind.RUN_STARTED}' AND (r.run_id IS NOT NULL OR NOT EXISTS
  (SELECT 1 FROM audit d WHERE d.run_id = a.run_id AND d.kind = '{AuditKind.DATA_DELETED}'
    AND d.details NOT LIKE '%"retention":%'))
ORDER BY a.seq"""  # noqa: S608  # names of ours

# What the other tables say of runs that began after the trail, and the trail should tell of.
_DEEDS = {
    "run {0} was started": f"""
SELECT r.run_id FROM run r WHERE r.run_id > {{0}}
  AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.run_id = r.run_id AND a.kind = '{AuditKind.RUN_STARTED}')""",  # noqa: S608
    "run {0} was ended": f"""
SELECT r.run_id FROM run r WHERE r.ended_at IS NOT NULL AND r.run_id > {{0}}
  AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.run_id = r.run_id AND a.kind = '{AuditKind.RUN_ENDED}')""",  # noqa: S608
    "an event of run {0} was acknowledged": f"""
SELECT DISTINCT e.run_id FROM event e WHERE e.acknowledged_at IS NOT NULL AND e.run_id > {{0}}
  AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.run_id = e.run_id AND a.kind = '{AuditKind.ACKNOWLEDGED}')""",  # noqa: S608
}


def verify_audit(database: str, expected: Iterable[str] = ()) -> ChainReport:
    """Look for every changed, removed and inserted row, for triggers that are gone, and for deeds without a row.

    `expected`: see `check_chain`. Raises `StoreUnusableError` where there is no such store.
    """
    location = locate(database)
    connection = connect_for_reading(location)
    try:
        if not _exists(connection, location):
            return ChainReport(0, "", 0, (Fault(None, "the trail is not there: its table was removed"),))
        try:
            report = check_chain(read_audit(connection), expected)
        except QueryError as error:
            return ChainReport(0, "", 0, (Fault(None, f"the trail cannot be read: {error}"),))
        return replace(
            report,
            faults=(
                *report.faults,
                *_triggers(connection, location),
                *_deeds(connection),
                *_runs(connection),
            ),
        )
    finally:
        connection.close()


def read_audit(connection: ReadingConnection) -> Iterator[AuditRow]:
    """Every row, in order. Raises `QueryError`."""
    return connection.stream(_ALL, {}, LONG_READ_S).records()


def _exists(connection: ReadingConnection, location: StoreLocation) -> bool:
    sql = (
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'audit'"
        if location.path is not None
        else "SELECT COUNT(to_regclass('audit'))"
    )
    return bool(connection.ask(sql).rows[0][0])


def _triggers(connection: ReadingConnection, location: StoreLocation) -> Iterator[Fault]:
    if location.path is not None:
        found: dict[str, object] = {str(row[0]): row[1] for row in connection.ask(_SQLITE_TRIGGERS).rows}
        wanted: dict[str, object] = dict(SQLITE_TRIGGERS)
    else:
        found = {str(row[0]): tuple(row[1:]) for row in connection.ask(_POSTGRESQL_TRIGGERS).rows}
        wanted = {
            name: (kind, "O", 1, function, POSTGRESQL_FUNCTIONS[function])
            for name, (_, function, kind) in POSTGRESQL_TRIGGERS.items()
        }
    for name, right in wanted.items():
        if name not in found:
            yield Fault(None, f"the trigger {name} was removed: rows could be changed since")
        elif found[name] != right:
            yield Fault(None, f"the trigger {name} was changed or switched off: rows could be changed since")


def _runs(connection: ReadingConnection) -> Iterator[Fault]:
    """Whether every run's row still says what the run was started with, or was deleted with a row that tells so."""
    for row in connection.stream(_RUNS, {}, LONG_READ_S).records():
        run, told = f"run {row['run_id']!s}", f"(row {row['seq']!s})"
        if row["found"] is None:
            yield Fault(None, f"{run} {told} is gone, and no row of the trail tells who deleted it")
            continue
        details = _details([(row["details"],)])
        if details.get("settings_sha256") != settings_sha256(str(row["settings"])):
            yield Fault(None, f"{run}: its settings are not those that it was started with {told}")
        for name in PROVENANCE:
            if details.get(name) != row[name]:
                yield Fault(None, f"{run}: its {name} is not the one that it was started with {told}")


def _deeds(connection: ReadingConnection) -> Iterator[Fault]:
    before = _details(connection.ask("SELECT details FROM audit ORDER BY seq LIMIT 1").rows[:1]).get(
        "runs_before"
    )
    for deed, sql in _DEEDS.items():
        for (run_id,) in connection.ask(sql.format(before if type(before) is int else 0)).rows:
            yield Fault(None, f"{deed.format(run_id)}, and no row of the trail tells of it")


def _details(rows: Sequence[Sequence[object]]) -> Mapping[str, object]:
    """The JSON object in the first row's first column; nothing where there is none: its hash tells of that."""
    try:
        found = json.loads(str(rows[0][0]))
    except (IndexError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
