"""`Table`: an answer from the store, as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Value = str | int | float | bytes | None


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows. Times are ISO-8601 text in UTC, flags 0 or 1, whichever database answered."""

    columns: tuple[str, ...]
    """Names, in order."""
    rows: tuple[tuple[Value, ...], ...]
    """Values in the order of `columns`; None for NULL."""

    def __len__(self) -> int:
        """How many rows."""
        return len(self.rows)

    def records(self) -> Iterator[dict[str, Value]]:
        """Each row by the names of its columns."""
        for row in self.rows:
            yield dict(zip(self.columns, row, strict=True))

    def column(self, name: str) -> tuple[Value, ...]:
        """One column's values; `ValueError` for a name that is not there."""
        index = self.columns.index(name)
        return tuple(row[index] for row in self.rows)
