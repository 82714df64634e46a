"""One row written, by statements that every frame runs again: compiled once for each set of columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, bindparam, insert, update
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import UpdateBase

from monitor.store import bulk
from monitor.store.column_types import SQLITE, utc_text

Values = Mapping[str, Any]


def insert_row(connection: Connection, table: Table, values: Values) -> int:
    """Insert the row; its key, the whole number that the database gave it."""
    names = tuple(values)
    return bulk.insert_row(connection, _inserting(table, names), names, _plain(values, connection.dialect))


def update_row(connection: Connection, table: Table, key: tuple[str, int], values: Values) -> None:
    """Change columns of the row whose `key` (column, value) it is."""
    column, of = key
    names = (*values, "of_key")
    statement = _updating(table, column, tuple(values))
    bulk.execute_row(connection, statement, names, (*_plain(values, connection.dialect), of))


def _plain(values: Values, dialect: Dialect) -> tuple[Any, ...]:
    """As the drivers take them: SQLite knows neither moments nor flags."""
    if dialect.name != SQLITE:
        return tuple(values.values())
    return tuple(_for_sqlite(value) for value in values.values())


def _for_sqlite(value: object) -> object:
    if isinstance(value, datetime):
        return utc_text(value)
    return int(value) if isinstance(value, bool) else value


@lru_cache(maxsize=64)
def _inserting(table: Table, names: tuple[str, ...]) -> Insert:
    return insert(table).values({name: bindparam(name) for name in names})


@lru_cache(maxsize=64)
def _updating(table: Table, column: str, names: tuple[str, ...]) -> UpdateBase:
    here = table.c[column] == bindparam("of_key")
    return update(table).where(here).values({name: bindparam(name) for name in names})
