"""`RowStream`: an answer that is too long to hold, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.store.table import Value

Row = tuple[Value, ...]

BATCH_ROWS = 5_000
"""Rows that are in memory at a time: some megabytes."""


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
