"""Statements that run very often, without the work per row that costs SQLAlchemy more than SQLite itself."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

BulkRow = dict[str, Any]


def execute_rows(connection: Connection, statement: UpdateBase, rows: Sequence[BulkRow]) -> None:
    """Run the statement for every row; rows hold what the drivers take, keyed by the names of the parameters.

    `statement` must be a constant of its module, for its SQL is compiled once and kept.
    """
    if rows:
        sql = _compile(statement, connection.dialect, tuple(rows[0]))
        connection.exec_driver_sql(sql, list(rows))


def select_rows(
    connection: Connection, statement: Select[*tuple[Any, ...]], parameters: BulkRow
) -> list[BulkRow]:
    """The answer by column names, as the drivers give it. `statement` is a constant of its module."""
    sql = _compile(statement, connection.dialect, tuple(parameters))
    return [dict(row) for row in connection.exec_driver_sql(sql, parameters).mappings()]


@lru_cache(maxsize=64)
def _compile(
    statement: UpdateBase | Select[*tuple[Any, ...]], dialect: Dialect, names: tuple[str, ...]
) -> str:
    compiled = statement.compile(dialect=dialect, column_keys=list(names) if statement.is_insert else None)
    assert isinstance(compiled, SQLCompiler)
    assert set(compiled.params) <= set(names), "a constant in the statement must be a literal"
    return str(compiled)
