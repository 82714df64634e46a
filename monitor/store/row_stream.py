"""`RowStream`: an answer that is too long to hold, batch by batch."""

from __future__ import annotations

import marshal
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from monitor.errors import QueryError
from monitor.store.table import Value

Row = tuple[Value, ...]

BATCH_ROWS = 5_000
"""Rows that are in memory at a time: some megabytes."""
_IN_MEMORY_BYTES = 8 * 2**20


def spooled(batches: Iterable[list[Row]]) -> Iterator[list[Row]]:
    """The batches, taken now as fast as they come and given again from a temporary file at the taker's pace.

    A question that is open while somebody dawdles over its rows keeps SQLite's write-ahead log from being cut, and the
    log grows by all that the daemon writes meanwhile. Raises `QueryError` where the temporary file finds no room.
    """
    spool = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115  # closed by whoever uses it up or drops it
    count = 0
    try:
        for batch in batches:
            spool.write(marshal.dumps(batch))
            count += 1
    except OSError as error:
        spool.close()
        raise QueryError(
            f"the answer does not fit into the temporary folder {tempfile.gettempdir()} ({error.strerror}): narrow the "
            "question, make room, or name another folder in the environment variable TMPDIR"
        ) from error
    spool.seek(0)
    return _given_again(spool, count)


def _given_again(spool: tempfile.SpooledTemporaryFile[bytes], count: int) -> Iterator[list[Row]]:
    with spool:
        for _ in range(count):
            yield marshal.load(spool)  # noqa: S302  # nosec B302  # we wrote it, a moment ago, into a file without a name


@dataclass(frozen=True, slots=True)
class RowStream:
    """Columns, and rows as they come. To be used up, or dropped, before the next question on the same connection."""

    columns: tuple[str, ...]
    """Names, in order."""
    batches: Iterator[list[Row]]
    """At most `BATCH_ROWS` rows each, none empty. Raises `QueryError` where reading fails."""

    def rows(self) -> Iterator[Row]:
        """Every row."""
        for batch in self.batches:
            yield from batch

    def records(self) -> Iterator[dict[str, Value]]:
        """Each row by the names of its columns."""
        for row in self.rows():
            yield dict(zip(self.columns, row, strict=True))
