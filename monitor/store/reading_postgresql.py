"""Reading from PostgreSQL: one cursor in a read-only transaction, through the extended protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from monitor.errors import QueryError, StoreUnusableError
from monitor.store.column_types import utc_text
from monitor.store.driver import missing_driver
from monitor.store.location import StoreLocation
from monitor.store.reading_connection import Bound, Parameter
from monitor.store.reading_sqlite import bounded_rows, whole_answer
from monitor.store.row_stream import BATCH_ROWS, Row, RowStream
from monitor.store.table import Table
from monitor.store.version_gap import told_of_version
from monitor.store.views import views_told

try:
    import psycopg
except ModuleNotFoundError as error:
    raise missing_driver() from error

_CONNECT_TIMEOUT_S = 10
_BITE_ROWS = 100


class PostgresqlReading:
    """Implements `ReadingConnection` for a PostgreSQL database."""

    def __init__(self, location: StoreLocation) -> None:
        """Connect; raises `StoreUnusableError` where that fails or the database is no store."""
        address = location.url.set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            self._connection = psycopg.connect(address, connect_timeout=_CONNECT_TIMEOUT_S)
            self._connection.read_only = True
            self._connection.execute("SELECT name FROM migration").fetchall()
            self._connection.rollback()
        except psycopg.Error as error:
            raise StoreUnusableError(
                f"the database {location.shown} cannot be read ({_first_line(error)}): check that the "
                "server runs, the URL and your permissions, and that it is a trail store"
            ) from error

    def parameter(self, name: str) -> str:
        """As `%(name)s`."""
        return f"%({name})s"

    def ask(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        bound: Bound = Bound(),  # noqa: B008  # frozen
    ) -> Table:
        """See `ReadingConnection`."""
        question = sql.strip().rstrip(";")
        try:
            # The transaction is read-only, and a prepared statement holds one command alone: nothing can end
            # the transaction and write after it. A cursor takes SELECT alone, so COPY ... TO PROGRAM is out
            # as well.
            self._connection.execute(f"SET LOCAL statement_timeout = {int(bound.timeout_s * 1000)}".encode())
            declared = f"DECLARE answer NO SCROLL CURSOR FOR {question}".encode()
            self._connection.execute(declared, parameters or None, prepare=True)
            cursor = self._connection.execute(b"FETCH 0 FROM answer")
            columns = tuple(column.name for column in cursor.description or ())
            rows = bounded_rows(self._fetched(bound), bound)
        except psycopg.Error as error:
            raise self._refused(error, bound) from error
        finally:
            self._connection.rollback()
        return whole_answer(columns, rows, bound)

    def _fetched(self, bound: Bound) -> Iterator[Row]:
        """The declared answer; where its size is bounded, in bites that fit into memory whatever is in them."""
        bite = BATCH_ROWS if bound.max_bytes is None else _BITE_ROWS
        fetch = f"FETCH {min(bite, bound.max_rows + 1)} FROM answer".encode()
        while rows := self._connection.execute(fetch).fetchall():
            for row in rows:
                yield tuple(_plain(value) for value in row)  # type: ignore[misc]  # the driver gives plain values

    def stream(self, sql: str, parameters: Mapping[str, Parameter], timeout_s: float) -> RowStream:
        """See `ReadingConnection`."""
        bound = Bound(timeout_s=timeout_s)
        try:
            self._connection.execute(f"SET LOCAL statement_timeout = {int(timeout_s * 1000)}".encode())
            declared = f"DECLARE answer NO SCROLL CURSOR FOR {sql}".encode()
            self._connection.execute(declared, parameters or None)
            cursor = self._connection.execute(b"FETCH 0 FROM answer")
        except psycopg.Error as error:
            raise self._refused(error, bound) from error
        return RowStream(tuple(column.name for column in cursor.description or ()), self._batches(bound))

    def _batches(self, bound: Bound) -> Iterator[list[Row]]:
        fetch = f"FETCH {BATCH_ROWS} FROM answer".encode()
        try:
            while rows := self._connection.execute(fetch).fetchall():
                yield [tuple(_plain(value) for value in row) for row in rows]  # type: ignore[misc]  # as above
        except psycopg.Error as error:
            raise self._refused(error, bound) from error
        finally:
            self._connection.rollback()

    def _refused(self, error: psycopg.Error, bound: Bound) -> QueryError:
        gap = ""
        if isinstance(error, psycopg.errors.UndefinedColumn | psycopg.errors.UndefinedTable):
            self._connection.rollback()
            gap = told_of_version(self._ask_plainly)
        self._connection.rollback()
        return _refusal(error, bound, gap)

    def _ask_plainly(self, sql: str) -> Table:
        return Table((), tuple(self._connection.execute(sql.encode()).fetchall()))

    def close(self) -> None:
        """See `ReadingConnection`."""
        self._connection.close()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bool):
        return int(value)
    return value


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _refusal(error: psycopg.Error, bound: Bound, gap: str) -> QueryError:
    said = _first_line(error)
    if isinstance(error, psycopg.errors.QueryCanceled):
        return QueryError(
            f"no answer within {bound.timeout_s:g} s: narrow the question (WHERE run_id = ...), or allow "
            "more time"
        )
    if "multiple commands" in said:
        return QueryError("more than one statement: ask one question at a time")
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction | psycopg.errors.InsufficientPrivilege):
        return QueryError(f"the question would write ({said}): only SELECT is answered")
    if gap:
        return QueryError(f"{gap} ({said})")
    return QueryError(f"the question is not understood ({said}): only SELECT is answered; {views_told()}")
