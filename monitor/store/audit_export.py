"""The audit trail as a file that can be kept elsewhere and verified by itself: canonical JSON, a line for each row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from monitor.errors import StoreUnusableError
from monitor.store.audit_chain import (
    COLUMNS,
    NO_HASH,
    AuditRow,
    ChainReport,
    Fault,
    canonical_json,
    check_chain,
)
from monitor.store.audit_verification import read_audit
from monitor.store.location import locate
from monitor.store.reading_connection import connect_for_reading


def export_lines(database: str) -> Iterator[str]:
    """Every row in order, then how many there were and the last hash; each line ends with a line feed.

    Raises `StoreUnusableError`, `QueryError`.
    """
    connection = connect_for_reading(locate(database))
    count, head = 0, NO_HASH
    try:
        for row in read_audit(connection):
            count, head = count + 1, str(row["hash"])
            yield f"{canonical_json(dict(row))}\n"
    finally:
        connection.close()
    yield f"{canonical_json(_ending(count, head))}\n"


def verify_export(path: Path, expected: Iterable[str] = ()) -> ChainReport:
    """Follow the chain of an exported file; any byte that is not as it was written is found.

    `expected`: see `check_chain`. Raises `StoreUnusableError` where there is no such file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreUnusableError(
            f"the export {path} cannot be read ({error.strerror}): check its name"
        ) from error
    lines = content.split(b"\n")
    faults: list[Fault] = []
    rows: list[AuditRow] = []
    if lines.pop() != b"":
        faults.append(Fault(None, "the file does not end with a whole line: it was cut"))
    last = lines.pop() if lines else b""
    for number, line in enumerate(lines, 1):
        row = _parsed(line)
        if row is None or set(row) != set(COLUMNS):
            faults.append(Fault(None, f"line {number} is not as it was written"))
        else:
            rows.append(row)
    report = check_chain(rows, expected)
    if _parsed(last) != _ending(report.rows, report.head):
        faults.append(
            Fault(None, "the last line does not tell the number of rows and the last hash: the file was cut")
        )
    return ChainReport(report.rows, report.head, report.last_seq, (*faults, *report.faults))


def _ending(count: int, head: str) -> dict[str, object]:
    return {"rows": count, "head": head}


def _parsed(line: bytes) -> dict[str, object] | None:
    """The line's object, if it is the canonical text of one."""
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_number)
        return value if isinstance(value, dict) and canonical_json(value).encode() == line else None
    except (ValueError, RecursionError):
        return None


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)
