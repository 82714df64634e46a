"""Statements that run very often, without the work per row that costs SQLAlchemy more than SQLite itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, CursorResult, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

Statement = UpdateBase | Select[*tuple[Any, ...]]
BulkRow = tuple[Any, ...]
"""One row as the driver takes it: in SQLite flags as whole numbers, for a bool or None costs it ten times as much."""


def execute_rows(
    connection: Connection, statement: UpdateBase, names: tuple[str, ...], rows: Sequence[BulkRow]
) -> None:
    """Run the statement for every row, whose values are those of the parameters called `names`, in that order.

    `statement` must be a constant of its module, for its SQL is compiled once and kept.
    """
    if rows:
        sql, order = _compile(statement, connection.dialect, names)
        if order != tuple(range(len(names))):
            rows = list(map(itemgetter(*order), rows))
        connection.exec_driver_sql(sql, list(rows))


def execute_row(
    connection: Connection, statement: Statement, names: tuple[str, ...], row: BulkRow
) -> CursorResult[Any]:
    """Run the statement, also a SELECT, once; as `execute_rows`, with its answer as the driver gives it."""
    sql, order = _compile(statement, connection.dialect, names)
    return connection.exec_driver_sql(sql, tuple(row[place] for place in order))


def select_rows(
    connection: Connection, statement: Select[*tuple[Any, ...]], parameters: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The answer by column names, as the drivers give it. `statement` is a constant of its module."""
    found = execute_row(connection, statement, tuple(parameters), tuple(parameters.values()))
    return [dict(row) for row in found.mappings()]


@lru_cache(maxsize=256)
def _compile(statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    """The SQL, and which of `names` each of its places takes."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names) if statement.is_insert else None)
    assert isinstance(compiled, SQLCompiler)
    assert compiled.positiontup is not None, "the engine is made with a positional paramstyle"
    assert set(compiled.positiontup) <= set(names), "a constant in the statement must be a literal"
    return str(compiled), tuple(names.index(name) for name in compiled.positiontup)
