"""A table for people: aligned, and fitted to the width of their terminal.

Where it is too wide, names of columns are broken at their underscores and long texts are wrapped; then columns that say
nothing are left out, then the less important ones.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_GAP = "  "
_NARROWEST_TEXT = 24
"""A text is wrapped to so many characters before another column is left out for it."""
NOTHING = "–"
"""What stands for no value."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, as text."""

    name: str
    cells: Sequence[str]
    numeric: bool

    @property
    def width(self) -> int:
        """Widest cell, in characters."""
        return max((len(cell) for cell in self.cells), default=0)

    @property
    def says_nothing(self) -> bool:
        """Whether no row has a value."""
        return all(cell == NOTHING for cell in self.cells)

    @property
    def title(self) -> list[str]:
        """The name in pieces that end with an underscore."""
        words = self.name.split("_")
        return [f"{word}_" for word in words[:-1]] + words[-1:]

    @property
    def least(self) -> int:
        """Narrowest that it can be shown."""
        titled = max(1, *map(len, self.title))  # a question may call a column ""
        return max(titled, self.width if self.numeric else min(self.width, _NARROWEST_TEXT))


def table_lines(columns: Sequence[Column]) -> Iterator[str]:
    """Each row a line, as wide as it is."""
    widths = [max(len(column.name), column.width) for column in columns]
    yield _line(columns, [column.name for column in columns], widths)
    for cells in zip(*(column.cells for column in columns), strict=True):
        yield _line(columns, cells, widths)


def fitted_lines(
    columns: Sequence[Column], width: int, dispensable: Sequence[str]
) -> tuple[Iterator[str], list[str]]:
    """The lines of a table of at most `width` characters, and the columns that were left out of it.

    dispensable: names of columns, the least important first; the others go from the right where that is not enough.
    """
    if _total(max(len(column.name), column.width) for column in columns) <= width:
        return table_lines(columns), []
    kept = list(columns)
    while len(kept) > 1 and _total(column.least for column in kept) > width:
        kept.remove(_least_important(kept, dispensable))
    names = {column.name for column in kept}
    return _wrapped(kept, width), [column.name for column in columns if column.name not in names]


def _total(widths: Iterator[int]) -> int:
    found = list(widths)
    return sum(found) + len(_GAP) * (len(found) - 1)


def _least_important(columns: Sequence[Column], dispensable: Sequence[str]) -> Column:
    silent = [column for column in columns[1:] if column.says_nothing]
    if silent:
        return silent[-1]
    known = [column for name in dispensable for column in columns if column.name == name]
    return known[0] if known else columns[-1]


def _wrapped(columns: Sequence[Column], width: int) -> Iterator[str]:
    widths = _shared(columns, width)
    titles = [_pieces(column, size) for column, size in zip(columns, widths, strict=True)]
    yield from _block(columns, titles, widths, top=False)
    for cells in zip(*(column.cells for column in columns), strict=True):
        texts = [textwrap.wrap(cell, size) or [""] for cell, size in zip(cells, widths, strict=True)]
        yield from _block(columns, texts, widths, top=True)


def _shared(columns: Sequence[Column], width: int) -> list[int]:
    """Widths of the columns: the least that each needs, and what is left over shared among those that want more."""
    widths = [column.least for column in columns]
    spare = width - _total(iter(widths))
    while spare > 0:
        wanting = [place for place, column in enumerate(columns) if widths[place] < column.width]
        if not wanting:
            break
        for place in wanting[:spare]:
            widths[place] += 1
        spare -= len(wanting[:spare])
    return widths


def _pieces(column: Column, width: int) -> list[str]:
    """The name on as few lines as fit."""
    lines = [""]
    for piece in column.title:
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def _block(
    columns: Sequence[Column], texts: Sequence[list[str]], widths: Sequence[int], *, top: bool
) -> Iterator[str]:
    height = max(map(len, texts))
    fill: Callable[[list[str]], list[str]] = (
        (lambda lines: lines + [""] * (height - len(lines)))
        if top
        else (lambda lines: [""] * (height - len(lines)) + lines)
    )
    for cells in zip(*map(fill, texts), strict=True):
        yield _line(columns, cells, widths)


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    placed = (
        cell.rjust(width) if column.numeric else cell.ljust(width)
        for column, cell, width in zip(columns, cells, widths, strict=True)
    )
    return _GAP.join(placed).rstrip()
