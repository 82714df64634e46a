"""Whatever is done to an exported trail, or to the rows themselves, is found."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.records.audit import Attribution, AuditEntry, AuditKind, Authority
from monitor.store import export_lines, open_store, verify_audit, verify_export
from monitor.store.audit_chain import COLUMNS, NO_HASH, check_chain, row_hash
from monitor.store.audit_table import SQLITE_TRIGGERS

ROWS = 9
"""Rows of the trail below, its beginning included."""
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
WHOLE = st.none() | st.integers(-3, 12)


@pytest.fixture(scope="module")
def database() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cm") as folder:
        path = Path(folder) / "trails.sqlite"
        store = open_store(str(path))
        for number in range(ROWS - 1):
            by = Attribution(Authority.KERNEL, "anna", 1000 + number, why=f'reason {number}: "µ" \\ \n 结')
            store.enter(AuditEntry(AuditKind.NOTE, f"deed {number}", by, details={"b": number, "a": 0.5}))
        store.close()
        yield path


@pytest.fixture(scope="module")
def exported(database: Path) -> bytes:
    return "".join(export_lines(str(database))).encode()


def broken(content: bytes, head: str = "") -> bool:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        return bool(verify_export(Path(file.name), [head] if head else []).faults)


def test_the_control_is_whole(database: Path, exported: bytes) -> None:
    report = verify_audit(str(database))
    assert (report.faults, report.rows) == ((), ROWS)
    assert not broken(exported, report.head)


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_any_byte_that_is_changed_is_found(exported: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(exported) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != exported[place]))
    assert broken(exported[:place] + bytes([byte]) + exported[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_piece_that_is_cut_out_or_put_in_is_found(exported: bytes, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(exported) - 1))
    last = data.draw(st.integers(first + 1, len(exported)))
    assert broken(exported[:first] + exported[last:])
    piece = exported[first:last]
    assert broken(exported[:last] + piece + exported[last:])


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_lines_in_another_order_are_found(exported: bytes, data: st.DataObject) -> None:
    lines = exported.splitlines(keepends=True)
    order = data.draw(
        st.permutations(range(len(lines))).filter(lambda found: found != list(range(len(lines))))
    )
    assert broken(b"".join(lines[place] for place in order))


MUTATIONS = st.one_of(
    st.tuples(st.just("update"), st.integers(1, ROWS), st.sampled_from(COLUMNS), TEXTS, WHOLE),
    st.tuples(st.just("delete"), st.integers(1, ROWS)),
    st.tuples(st.just("insert"), st.integers(1, ROWS), st.integers(1, 2 * ROWS)),
    st.tuples(st.just("swap"), st.integers(1, ROWS), st.integers(1, ROWS)),
)


@settings(max_examples=150, deadline=None)
@given(mutations=st.lists(MUTATIONS, min_size=1, max_size=3))
def test_any_change_to_the_rows_is_found(database: Path, mutations: list[tuple[Any, ...]]) -> None:
    head = verify_audit(str(database)).head
    with tempfile.TemporaryDirectory(prefix="cm") as folder:
        copy = Path(folder) / "copy.sqlite"
        copy.write_bytes(database.read_bytes())
        connection = sqlite3.connect(copy, isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        before = connection.execute("SELECT * FROM audit ORDER BY seq").fetchall()
        for name in SQLITE_TRIGGERS:
            connection.execute(f"DROP TRIGGER {name}")
        for mutation in mutations:
            mutate(connection, *mutation)
        for sql in SQLITE_TRIGGERS.values():
            connection.execute(sql)
        changed = connection.execute("SELECT * FROM audit ORDER BY seq").fetchall() != before
        connection.execute("COMMIT")
        connection.close()
        assert bool(verify_audit(str(copy), [head]).faults) is changed


def mutate(connection: sqlite3.Connection, how: str, seq: int, *rest: Any) -> None:
    try:
        if how == "update":
            column, text, whole = rest
            value = whole if column in ("seq", "run_id", "uid") else text
            connection.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (value, seq))
        elif how == "delete":
            connection.execute("DELETE FROM audit WHERE seq = ?", (seq,))
        elif how == "insert":
            columns = ", ".join(COLUMNS[1:])
            connection.execute(
                f"INSERT INTO audit SELECT ?, {columns} FROM audit WHERE seq = ?", (rest[0], seq)
            )
        else:
            for move in ((seq, -1), (rest[0], seq), (-1, rest[0])):
                connection.execute("UPDATE audit SET seq = ? WHERE seq = ?", (move[1], move[0]))
    except sqlite3.IntegrityError:
        return  # a number that is taken, or no number


def test_a_forger_who_computes_every_hash_anew_is_found_by_a_kept_one(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    rows: list[dict[str, Any]] = [dict(row) for row in connection.execute("SELECT * FROM audit ORDER BY seq")]
    connection.close()
    kept = rows[-1]["hash"]
    rows[4]["who"], previous = "otto", NO_HASH
    for row in rows:
        row["previous_hash"], row["hash"] = previous, row_hash(previous, row)
        previous = row["hash"]
    assert check_chain(rows).faults == (), "the chain alone cannot tell: this is what the kept hash is for"
    assert len(check_chain(rows, [kept]).faults) == 1


def test_raw_bytes_of_the_file_that_hold_the_trail(database: Path) -> None:
    # One after the other, in the database file itself.
    content = database.read_bytes()
    start = content.index(b"deed 3") - 60
    found, tried = 0, 0
    with tempfile.TemporaryDirectory(prefix="cm") as folder:
        copy = Path(folder) / "copy.sqlite"
        for place in range(start, start + 120):
            copy.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            tried += 1
            found += bool(verify_audit(str(copy)).faults)
    assert found == tried
