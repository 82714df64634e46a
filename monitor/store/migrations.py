"""Migrations: named functions, each run once, in one transaction with the record that it ran.

Migration 1 makes every table of `tables` as it is now, so a later migration that adds a column or a table
must find it there on a fresh database and leave it (`IF NOT EXISTS`); on an older database it adds it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Connection, inspect, text

from monitor.errors import StoreUnusableError
from monitor.store.tables import METADATA, delivery, event, migration
from monitor.store.views import VIEWS, views_fingerprint

Migration = Callable[[Connection], None]

_VIEWS_RECORD = "views"


def m0001_tables(connection: Connection) -> None:
    """All tables."""
    METADATA.create_all(connection)


def m0002_outbox(connection: Connection) -> None:
    """The outbox of alerts, and how much an alert matters."""
    delivery.create(connection, checkfirst=True)
    _add_column(connection, event.c.severity)


def _add_column(connection: Connection, column: Column[Any]) -> None:
    """Add a column that may be NULL, unless the table has it."""
    name = column.table.name
    if column.name not in {known["name"] for known in inspect(connection).get_columns(name)}:
        kind = column.type.compile(connection.dialect)
        connection.execute(text(f"ALTER TABLE {name} ADD COLUMN {column.name} {kind}"))


MIGRATIONS: tuple[Migration, ...] = (m0001_tables, m0002_outbox)


def migrate(connection: Connection) -> None:
    """Bring the database up to this version: the migrations that did not run yet, then the views.

    Raises `StoreUnusableError` where a newer version wrote the database, or other tables stand in the way.
    """
    ran = _names_that_ran(connection)
    connection.rollback()
    unknown = sorted(ran - {step.__name__ for step in MIGRATIONS} - {_VIEWS_RECORD})
    if unknown:
        raise StoreUnusableError(
            "the database was written by a newer version of Crystal Monitor (it has the migration "
            f"{unknown[-1]!r}, which this version does not know): install that version, or name another "
            "database"
        )
    for step in MIGRATIONS:
        if step.__name__ not in ran:
            with connection.begin():
                step(connection)
                connection.execute(migration.insert().values(name=step.__name__))
    _replace_views(connection)


def _names_that_ran(connection: Connection) -> set[str]:
    present = set(inspect(connection).get_table_names())
    if migration.name in present:
        return set(connection.execute(migration.select().with_only_columns(migration.c.name)).scalars())
    taken = sorted(present & set(METADATA.tables))
    if taken:
        raise StoreUnusableError(
            f"the database holds a table {taken[0]!r} that Crystal Monitor did not make: name another "
            "database"
        )
    return set()


def _replace_views(connection: Connection) -> None:
    with connection.begin():
        record = migration.select().where(migration.c.name == _VIEWS_RECORD)
        found = connection.execute(record).one_or_none()
        if found is not None and found.detail == views_fingerprint():
            return
        for name in reversed(VIEWS):
            connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
        for name, sql in VIEWS.items():
            connection.exec_driver_sql(f"CREATE VIEW {name} AS {sql}")
        connection.execute(migration.delete().where(migration.c.name == _VIEWS_RECORD))
        connection.execute(migration.insert().values(name=_VIEWS_RECORD, detail=views_fingerprint()))
