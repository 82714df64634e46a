"""Reading an SQLite file: opened read-only, with an authorizer that lets only reading through."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer
from urllib.parse import quote

from monitor.errors import QueryError, StoreUnusableError
from monitor.store.integrity import Integrity, damage_message
from monitor.store.reading_connection import Bound, Parameter
from monitor.store.row_stream import BATCH_ROWS, RowStream, spooled
from monitor.store.table import Table
from monitor.store.version_gap import told_of_version
from monitor.store.views import views_told

_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_HARMLESS_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "data_version"}
_LONGEST_VALUE_BYTES = 64 * 2**20
_LONGEST_VALUE_ASKED_BYTES = 2**18
"""In a user's question: `instr` and `replace` take quadratic time within a value, and nothing interrupts them (1 s at
this length, an hour at 16 MB)."""
_LIMITS = {
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_COLUMN: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 32,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 100,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 100_000,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_FORBIDDEN_FUNCTIONS = {"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"}
_BUSY_TIMEOUT_S = 5.0
_LACKING = re.compile("no such (column|table)")


class SqliteReading:
    """Implements `ReadingConnection` for an SQLite file; needs no write permission on it or its folder."""

    def __init__(self, path: Path, *, anything_asked: bool = False) -> None:
        """Open the file; raises `StoreUnusableError` where there is none, or it is damaged or no store.

        `anything_asked`: see `connect_for_reading`.
        """
        if not path.is_file():
            raise StoreUnusableError(
                f"there is no database {path}: name the one that the daemon writes (--database), or start "
                "it first"
            )
        try:
            self._connection = sqlite3.connect(
                f"file:{quote(str(path.resolve()))}?mode=ro",
                uri=True,
                timeout=_BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            self._connection.execute("PRAGMA query_only = ON")
            self._connection.execute("SELECT name FROM migration").fetchall()
        except (sqlite3.Error, OSError) as error:
            if _tells_of_damage(error):
                raise _damaged(path, error) from error
            raise StoreUnusableError(
                f"the database {path} cannot be read ({error}): it must be a trail store that you may read; "
                "for another user's, become a member of its group"
            ) from error
        self._path = path
        longest = _LONGEST_VALUE_ASKED_BYTES if anything_asked else _LONGEST_VALUE_BYTES
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
        for limit, value in _LIMITS.items():
            self._connection.setlimit(limit, value)
        self._connection.set_authorizer(_authorize)

    def parameter(self, name: str) -> str:
        """As `:name`."""
        return f":{name}"

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        bound: Bound = Bound(),  # noqa: B008  # frozen
    ) -> Table:
        """See `ReadingConnection`."""
        with self._asking(sql, parameters or {}, bound) as cursor:
            rows = bounded_rows(cursor, bound)
            columns = tuple(column[0] for column in cursor.description or ())
        if not columns:
            raise QueryError("there is no question: give one SELECT")
        return whole_answer(columns, rows, bound)

    def stream(self, sql: str, parameters: Mapping[str, Parameter], timeout_s: float) -> RowStream:
        """See `ReadingConnection`; the question is over before the first row is given: see `spooled`."""
        with self._asking(sql, parameters, Bound(timeout_s=timeout_s)) as cursor:
            columns = tuple(column[0] for column in cursor.description)
            return RowStream(columns, spooled(iter(lambda: cursor.fetchmany(BATCH_ROWS), [])))

    @contextmanager
    def _asking(
        self, sql: str, parameters: Mapping[str, Parameter], bound: Bound
    ) -> Iterator[sqlite3.Cursor]:
        """A cursor with the answer, for as long as the bound allows.

        Raises `QueryError` where it is refused, `StoreUnusableError` where the file is damaged.
        """
        # A timer rather than a progress handler, which would have to read a clock.
        watch = Timer(bound.timeout_s, self._connection.interrupt)
        watch.daemon = True
        watch.start()
        try:
            with closing(self._connection.execute(sql, dict(parameters))) as cursor:
                yield cursor
        except (sqlite3.Error, sqlite3.Warning) as error:
            if _tells_of_damage(error):
                raise _damaged(self._path, error) from error
            gap = told_of_version(self._ask_plainly) if _LACKING.match(str(error)) else ""
            raise _refusal(error, bound, gap) from error
        finally:
            watch.cancel()

    def _ask_plainly(self, sql: str) -> Table:
        return Table((), tuple(self._connection.execute(sql).fetchall()))

    def close(self) -> None:
        """See `ReadingConnection`."""
        self._connection.close()


def bounded_rows(cursor: Iterable[tuple[object, ...]], bound: Bound) -> list[tuple[object, ...]]:
    """At most one row more than allowed. Raises `QueryError` where their text and bytes come to more than allowed."""
    rows = itertools.islice(cursor, bound.max_rows + 1)
    if bound.max_bytes is None:
        return list(rows)
    kept, size = [], 0
    for row in rows:
        kept.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if size > bound.max_bytes:
            raise QueryError(
                f"the answer has more than {bound.max_bytes / 1e6:.0f} MB of text: narrow the question "
                "(fewer columns, WHERE run_id = ..., LIMIT ...)"
            )
    return kept


def whole_answer(columns: tuple[str, ...], rows: list[tuple[object, ...]], bound: Bound) -> Table:
    """The table, or `QueryError` where it has more rows than allowed."""
    if len(rows) > bound.max_rows:
        raise QueryError(
            f"the answer has more than {bound.max_rows} rows: narrow the question (WHERE run_id = ..., "
            "LIMIT ...), or allow more rows"
        )
    return Table(columns, tuple(rows))  # type: ignore[arg-type]  # the drivers give plain values


def _authorize(
    action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None
) -> int:
    if action in _READING:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and second not in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and first in _HARMLESS_PRAGMAS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _tells_of_damage(error: Exception) -> bool:
    """Whether SQLite found its file malformed; the low byte is the code, what is above it tells of the place."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_CORRUPT


def _damaged(path: Path, error: Exception) -> StoreUnusableError:
    return StoreUnusableError(damage_message(Integrity(path, (str(error),), complete=False)))


def _refusal(error: Exception, bound: Bound, gap: str) -> QueryError:
    said = str(error)
    lowered = said.lower()
    if "interrupted" in lowered:
        return QueryError(
            f"no answer within {bound.timeout_s:g} s: narrow the question (WHERE run_id = ...), or allow "
            "more time"
        )
    if "not authorized" in lowered or "readonly" in lowered or "prohibited" in lowered:
        return QueryError(
            f"the question would write or reach outside the store ({said}): only SELECT is answered"
        )
    if "one statement" in lowered:
        return QueryError("more than one statement: ask one question at a time")
    if gap:
        return QueryError(f"{gap} ({said})")
    return QueryError(f"the question is not understood ({said}): {views_told()}")
