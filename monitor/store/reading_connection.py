"""A connection that can only read, bounded in time and rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from monitor.store.location import StoreLocation
from monitor.store.row_stream import RowStream
from monitor.store.table import Table

Parameter = str | int | float

DEFAULT_MAX_ROWS = 100_000
DEFAULT_TIMEOUT_S = 30.0
LONG_READ_S = 3600.0
"""A stream may take this long, seconds."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How much an answer may cost."""

    max_rows: int = DEFAULT_MAX_ROWS
    """More rows are an error rather than a silent cut."""
    timeout_s: float = DEFAULT_TIMEOUT_S
    """Seconds after which the question is given up."""
    max_bytes: int | None = None
    """Text and bytes in the answer, more of which is an error; None for questions of our own."""


class ReadingConnection(Protocol):
    """Answers questions; never changes anything. Use from one thread at a time."""

    def parameter(self, name: str) -> str:
        """How a parameter is written in the SQL."""

    def ask(
        self, sql: str, parameters: Mapping[str, Parameter] | None = None, bound: Bound = Bound()
    ) -> Table:
        """The whole answer.

        Raises `QueryError` for a question that is wrong, writes, or is too big, `StoreUnusableError` where the store is
        found damaged.
        """

    def stream(self, sql: str, parameters: Mapping[str, Parameter], timeout_s: float) -> RowStream:
        """The answer batch by batch, without a bound on its rows. Raises `QueryError` as `ask`, also while it runs.

        One at a time: no other question before it is used up or dropped.
        """

    def close(self) -> None:
        """Release the database."""


def connect_for_reading(location: StoreLocation, *, anything_asked: bool = False) -> ReadingConnection:
    """Open the store for reading, whether or not a writer has it; raises `StoreUnusableError`.

    `anything_asked`: the questions come from a user and may be meant ill, so that single values are bounded as well.
    """
    # Each imported when needed: psycopg is an extra.
    if location.path is not None:
        from monitor.store.reading_sqlite import SqliteReading  # noqa: PLC0415

        return SqliteReading(location.path, anything_asked=anything_asked)
    from monitor.store.reading_postgresql import PostgresqlReading  # noqa: PLC0415

    return PostgresqlReading(location)
