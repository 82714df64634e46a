"""Numbers on their way into a row: what is not finite becomes NULL."""

from __future__ import annotations

from itertools import chain
from math import isfinite

Numbers = tuple[float | None, ...]


def finite_rows(rows: list[Numbers]) -> list[Numbers]:
    """The rows, with None in place of every number that is not finite."""
    if isfinite(
        sum(filter(None, chain.from_iterable(rows)))
    ):  # nearly always, and a tenth of a look at each number
        return rows
    return [tuple(value if value is None or isfinite(value) else None for value in row) for row in rows]
