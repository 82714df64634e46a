"""Rows for people and for programs: an aligned table on a terminal, JSON where it is asked for."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import click

from monitor.cli.table import NOTHING, Column, fitted_lines, table_lines

Row = Mapping[str, Any]
SIGNIFICANT_DIGITS = 5
_FRACTION = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d+Z$")


def print_rows(
    rows: Sequence[Row],
    *,
    as_json: bool,
    columns: Sequence[str] | None = None,
    empty: str,
    wide: bool = True,
    dispensable: Sequence[str] = (),
) -> None:
    """Print rows with their column names, units included.

    Args:
        rows: mappings from column name to value.
        as_json: one JSON array instead of a table.
        columns: which columns the table shows, in order; JSON has them all.
        empty: what to tell a person when there are no rows.
        wide: the table is as wide as it is; else it is fitted to the terminal, where there is one.
        dispensable: the columns that are left out first where the terminal is too narrow.
    """
    if as_json:
        click.echo(to_json(list(rows)))
        return
    if not rows:
        click.echo(empty)
        return
    table = [
        Column(name, [_cell(row.get(name)) for row in rows], _is_numeric(row.get(name) for row in rows))
        for name in (columns if columns is not None else rows[0])
    ]
    if wide or not sys.stdout.isatty():
        for line in table_lines(table):
            click.echo(line)
        return
    width = shutil.get_terminal_size().columns
    lines, left_out = fitted_lines([_to_the_second(column) for column in table], width, dispensable)
    for line in lines:
        click.echo(line)
    if left_out:
        told = f"no room for {', '.join(left_out)}: --wide shows all columns, --json all there are"
        click.echo(click.wrap_text(told, width), err=True)


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
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{SIGNIFICANT_DIGITS}g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def _to_the_second(column: Column) -> Column:
    """Moments without their fractions, in a table that room is wanted for."""
    return replace(column, cells=[_FRACTION.sub(r"\1 \2Z", cell) for cell in column.cells])


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
