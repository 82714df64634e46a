"""One question in SQL, from a user who may ask anything: read-only for real, bounded in time and rows."""

from __future__ import annotations

from monitor.errors import QueryError
from monitor.store.location import locate
from monitor.store.reading_connection import DEFAULT_MAX_ROWS, DEFAULT_TIMEOUT_S, Bound, connect_for_reading
from monitor.store.table import Table

LONGEST_QUESTION = 50_000
"""Characters of SQL."""
MOST_BYTES = 128 * 2**20
"""Text and bytes in an answer."""


def run_query(
    database: str, sql: str, max_rows: int = DEFAULT_MAX_ROWS, timeout_s: float = DEFAULT_TIMEOUT_S
) -> Table:
    """Answer one SELECT, whether or not the daemon runs.

    Raises `QueryError` (not read-only, not understood, too long, too many rows), `StoreUnusableError`.
    """
    if len(sql) > LONGEST_QUESTION:
        raise QueryError(
            f"the question has {len(sql)} characters, it may have {LONGEST_QUESTION}: shorten it"
        )
    connection = connect_for_reading(locate(database), anything_asked=True)
    try:
        return connection.ask(sql, bound=Bound(max_rows, timeout_s, MOST_BYTES))
    finally:
        connection.close()
