"""Migrations: named functions, each run once, all that are due in one transaction with the record that they ran.

Migration 1 makes every table of `tables` as it is now, so a later migration that adds a column or a table
must find it there on a fresh database and leave it (`IF NOT EXISTS`); on an older database it adds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Connection, inspect, select, text, update
from sqlalchemy.schema import CreateColumn

from monitor.errors import StoreUnusableError
from monitor.store import tables
from monitor.store.audit_table import m0003_audit
from monitor.store.column_types import POSTGRESQL
from monitor.store.locks import migrating_alone
from monitor.store.tables import METADATA, migration
from monitor.store.views import VIEWS, view_sql, views_fingerprint

Migration = Callable[[Connection], None]

VIEWS_RECORD = "views"


def m0001_tables(connection: Connection) -> None:
    """All tables."""
    METADATA.create_all(connection)


def m0002_outbox(connection: Connection) -> None:
    """The outbox of alerts, and how much an alert matters."""
    tables.delivery.create(connection, checkfirst=True)
    _add_column(connection, tables.event.c.severity)


def m0004_stations(connection: Connection) -> None:
    """The station of each run, and until when an ended trail may have points."""
    if _add_column(connection, tables.run.c.station):
        found = connection.execute(select(tables.run.c.run_id, tables.run.c.settings)).all()
        for run_id, settings in found:
            # A run of before stands under the name that its settings gave its station.
            name = json.loads(settings).get("name", "station")
            here = update(tables.run).where(tables.run.c.run_id == run_id)
            connection.execute(here.values(station=name))
    _add_column(connection, tables.trail.c.points_until_s)


def m0005_retention(connection: Connection) -> None:
    """What was thinned of each trail, field and run, and what was done by retention."""
    tables.tidying.create(connection, checkfirst=True)
    _add_column(connection, tables.run.c.thinned_at)
    _add_column(connection, tables.field.c.thinned_to_frame_id)
    _add_column(connection, tables.field.c.thinning_plan)
    _add_column(connection, tables.trail.c.points_thinned)
    _add_column(connection, tables.trail.c.thinned_within_px)


def m0006_removal(connection: Connection) -> None:
    """How much a run had as its removal began; PostgreSQL's points refer to their trail no more (see `tables`)."""
    _add_column(connection, tables.run.c.points_to_remove)
    if connection.dialect.name == POSTGRESQL:
        for reference in inspect(connection).get_foreign_keys(tables.point.name):
            if reference["referred_table"] == tables.trail.name:
                connection.exec_driver_sql(f'ALTER TABLE point DROP CONSTRAINT "{reference["name"]}"')


def m0007_frames_thinned(connection: Connection) -> None:
    """How many frames retention removed of each session and field: they stay counted."""
    _add_column(connection, tables.grabber_session.c.frames_thinned)
    for status in tables.FRAME_STATUSES:
        _add_column(connection, tables.field.c[f"{status}_thinned"])


def m0008_outbox_clocks(connection: Connection) -> None:
    """When alerts were queued and tried, on the boot's own clock."""
    _add_column(connection, tables.delivery.c.queued_boottime_ns)
    _add_column(connection, tables.delivery.c.queued_boot_id)
    _add_column(connection, tables.delivery.c.last_attempt_boottime_ns)
    _add_column(connection, tables.delivery.c.last_attempt_boot_id)


MIGRATIONS: tuple[Migration, ...] = (
    m0001_tables,
    m0002_outbox,
    m0003_audit,
    m0004_stations,
    m0005_retention,
    m0006_removal,
    m0007_frames_thinned,
    m0008_outbox_clocks,
)


def migrate(connection: Connection) -> None:
    """Bring the database up to this version: the migrations that did not run yet, then the views.

    Raises `StoreUnusableError` where a newer version wrote the database, or other tables stand in the way.
    """
    if connection.dialect.name == POSTGRESQL:
        with migrating_alone(connection):
            _migrate(connection)
    else:
        _migrate(connection)  # the file's lock keeps every other writer out


def _migrate(connection: Connection) -> None:
    ran = _names_that_ran(connection)
    connection.rollback()
    unknown = sorted(ran - {step.__name__ for step in MIGRATIONS} - {VIEWS_RECORD})
    if unknown:
        raise StoreUnusableError(
            "the database was written by a newer version of Crystal Monitor (it has the migration "
            f"{unknown[-1]!r}, which this version does not know): install that version, or name another "
            "database"
        )
    with connection.begin():  # one for all, so that no reader meets tables without their views
        for step in MIGRATIONS:
            if step.__name__ not in ran:
                step(connection)
                connection.execute(migration.insert().values(name=step.__name__))
        _replace_views(connection)


def _add_column(connection: Connection, column: Column[Any]) -> bool:
    """Add the column to its table on a database of before; False where it is there."""
    table = column.table.name
    if column.name in {known["name"] for known in inspect(connection).get_columns(table)}:
        return False
    sql = str(CreateColumn(column).compile(dialect=connection.dialect))
    connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {sql}")
    return True


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
    record = migration.select().where(migration.c.name == VIEWS_RECORD)
    found = connection.execute(record).one_or_none()
    if found is not None and found.detail == views_fingerprint():
        return
    for name in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
    for name in VIEWS:
        sql = view_sql(name, connection.dialect.name)
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {sql}")
    connection.execute(migration.delete().where(migration.c.name == VIEWS_RECORD))
    connection.execute(migration.insert().values(name=VIEWS_RECORD, detail=views_fingerprint()))
