"""Statements that run very often, without the work per row that costs SQLAlchemy more than SQLite itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, CursorResult, Insert, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase

from monitor.store.column_types import SQLITE

Cursor = sqlite3.Cursor | CursorResult[Any]
Statement = UpdateBase | Select[*tuple[Any, ...]]
_ROWS_BY_STATEMENT = 32
"""Where many are inserted: a third of an INSERT's time is its beginning and end. 32 points are 1,312 values, and the
least of all limits on the values of a statement is 32,766."""

BulkRow = tuple[Any, ...]
"""One row as the driver takes it: in SQLite flags as whole numbers, for a bool or None costs it ten times as much."""


def execute_rows(
    connection: Connection, statement: UpdateBase, names: tuple[str, ...], rows: Sequence[BulkRow]
) -> int:
    """Run the statement for every row, whose values are those of the parameters called `names`, in that order.

    `statement` must be a constant of its module, for its SQL is compiled once and kept. How many rows of its table it
    has changed or made.
    """
    if not rows:
        return 0
    sql, order = _compile(statement, connection.dialect, names)
    if order != tuple(range(len(names))):
        rows = list(map(itemgetter(*order), rows))
    return run(connection, sql, list(rows)).rowcount


def insert_rows(
    connection: Connection, statement: UpdateBase, names: tuple[str, ...], values: Sequence[object]
) -> None:
    """Run an INSERT of one row, its columns in the order of `names`, for row after row of `values`: many at once."""
    width, step = len(names), len(names) * _ROWS_BY_STATEMENT
    whole = len(values) - len(values) % step
    if whole:
        sql = _of_many_rows(statement, connection.dialect, names)
        run(connection, sql, [tuple(values[place : place + step]) for place in range(0, whole, step)])
    rest = [tuple(values[place : place + width]) for place in range(whole, len(values), width)]
    execute_rows(connection, statement, names, rest)


def execute_row(
    connection: Connection, statement: Statement, names: tuple[str, ...], row: BulkRow
) -> Sequence[BulkRow]:
    """Run the statement, also a SELECT, once; as `execute_rows`, with the rows it answers as the driver gives them."""
    sql, order = _compile(statement, connection.dialect, names)
    found = run(connection, sql, tuple(row[place] for place in order))
    if isinstance(found, CursorResult):
        return found.all() if found.returns_rows else ()
    return found.fetchall()


def insert_row(connection: Connection, statement: Insert, names: tuple[str, ...], row: BulkRow) -> int:
    """Insert the row; its key, which the database gave it: the whole number of the table's first column."""
    if connection.dialect.name == SQLITE:
        sql, order = _compile(statement, connection.dialect, names)
        key = run(connection, sql, tuple(row[place] for place in order)).lastrowid
        assert key is not None
        return key
    ((key,),) = execute_row(connection, _returning_key(statement), names, row)
    return int(key)


def select_rows(
    connection: Connection, statement: Select[*tuple[Any, ...]], parameters: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The answer by column names, as the drivers give it. `statement` is a constant of its module."""
    sql, order = _compile(statement, connection.dialect, tuple(parameters))
    values = tuple(parameters.values())
    found = connection.exec_driver_sql(sql, tuple(values[place] for place in order))
    return [dict(row) for row in found.mappings()]


def run(connection: Connection, sql: str, values: BulkRow | list[BulkRow] = ()) -> Cursor:
    """Run SQL with the values as they are, once, or for each row of a list; raises `DBAPIError`.

    SQLite's driver is called itself, for what SQLAlchemy does around a small statement takes several times as long as
    the statement. That a server has gone away SQLAlchemy knows to tell.
    """
    if connection.dialect.name != SQLITE:
        return connection.exec_driver_sql(sql, values or None)
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    try:
        return raw.executemany(sql, values) if isinstance(values, list) else raw.execute(sql, values)
    except sqlite3.Error as error:
        raise DBAPIError(sql, None, error) from error


@lru_cache(maxsize=16)
def _returning_key(statement: Insert) -> Insert:
    return statement.returning(next(iter(statement.table.primary_key)))


@lru_cache(maxsize=16)
def _of_many_rows(statement: UpdateBase, dialect: Dialect, names: tuple[str, ...]) -> str:
    sql, order = _compile(statement, dialect, names)
    assert order == tuple(range(len(names))), "rows of many values are not put into another order"
    head, values, row = sql.partition(" VALUES ")
    return head + values + ", ".join([row] * _ROWS_BY_STATEMENT)


@lru_cache(maxsize=256)
def _compile(statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    """The SQL, and which of `names` each of its places takes."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names) if statement.is_insert else None)
    assert isinstance(compiled, SQLCompiler)
    assert compiled.positiontup is not None, "the engine is made with a positional paramstyle"
    assert set(compiled.positiontup) <= set(names), "a constant in the statement must be a literal"
    return str(compiled), tuple(names.index(name) for name in compiled.positiontup)
