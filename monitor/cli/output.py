"""Rows for people and for programs: an aligned table on a terminal, JSON where it is asked for."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import click

Row = Mapping[str, Any]
SIGNIFICANT_DIGITS = 5


def print_rows(
    rows: Sequence[Row], *, as_json: bool, columns: Sequence[str] | None = None, empty: str
) -> None:
    """Print rows with their column names, units included.

    Args:
        rows: mappings from column name to value.
        as_json: one JSON array instead of a table.
        columns: which columns the table shows, in order; JSON has them all.
        empty: what to tell a person when there are no rows.
    """
    if as_json:
        click.echo(to_json(list(rows)))
        return
    if not rows:
        click.echo(empty)
        return
    shown = list(columns) if columns is not None else list(rows[0])
    table = [shown] + [[_cell(row.get(name)) for name in shown] for row in rows]
    numeric = [_is_numeric(row.get(name) for row in rows) for name in shown]
    widths = [max(len(line[i]) for line in table) for i in range(len(shown))]
    for line in table:
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        click.echo("  ".join(cells).rstrip())


def print_json_rows(rows: Iterable[Row]) -> None:
    """One JSON array, row by row as they come: the same text as `print_rows` gives, in little memory."""
    opened = False
    for row in rows:
        click.echo(",\n" if opened else "[\n", nl=False)
        click.echo(textwrap.indent(to_json(row), "  "), nl=False)
        opened = True
    click.echo("\n]" if opened else "[]")


def to_json(value: object) -> str:
    """JSON with times as ISO 8601 and what is not a number as null."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False)


def duration_text(seconds: float | None) -> str:
    """A duration as people say it: `42 s`, `12 min 30 s`, `3 h 05 min`; a dash for none."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{SIGNIFICANT_DIGITS}g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def _is_numeric(values: Iterable[object]) -> bool:
    present = [value for value in values if value is not None]
    return bool(present) and all(isinstance(value, int | float) for value in present)


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
