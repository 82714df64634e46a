"""Whether the audit trail of a store is as it was written: its chain, its triggers, and the deeds that it tells of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from monitor.errors import QueryError, StoreUnusableError
from monitor.store.audit_agreement import disagreements
from monitor.store.audit_chain import COLUMNS, AuditRow, ChainReport, Fault, check_chain
from monitor.store.audit_table import POSTGRESQL_FUNCTIONS, POSTGRESQL_TRIGGERS, SQLITE_TRIGGERS
from monitor.store.location import StoreLocation, locate
from monitor.store.reading_connection import LONG_READ_S, ReadingConnection, connect_for_reading

_ALL = f"SELECT {', '.join(COLUMNS)} FROM audit ORDER BY seq"  # noqa: S608  # names of ours

_SQLITE_TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
_POSTGRESQL_TRIGGERS = """
SELECT t.tgname, t.tgtype, CAST(t.tgenabled AS TEXT), t.tgqual IS NULL, p.proname, p.prosrc
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = to_regclass('audit') AND NOT t.tgisinternal"""


def verify_audit(database: str, expected: Iterable[str] = ()) -> ChainReport:
    """Look for every changed, removed and inserted row, for triggers that are gone, and for deeds without a row.

    Of the other tables the runs' rows and the acknowledgements alone are looked at: see `disagreements`.

    `expected`: see `check_chain`. Raises `StoreUnusableError` where there is no such store.
    """
    location = locate(database)
    connection = connect_for_reading(location)
    try:
        if not _exists(connection, location):
            return ChainReport(0, "", 0, (Fault(None, "the trail is not there: its table was removed"),))
        try:
            report = check_chain(read_audit(connection), expected)
        except (QueryError, StoreUnusableError) as error:
            return ChainReport(0, "", 0, (Fault(None, f"the trail cannot be read: {error}"),))
        return replace(
            report,
            faults=(
                *report.faults,
                *_triggers(connection, location),
                *disagreements(connection),
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
