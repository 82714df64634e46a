"""The writer's one connection: opened with its lock, settings and schema; reopened after the server went
away."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from monitor.errors import StoreUnusableError
from monitor.store.driver import missing_driver
from monitor.store.failures import explain
from monitor.store.location import StoreLocation
from monitor.store.locks import FileWriterLock, take_station_lock
from monitor.store.migrations import migrate

_BUSY_TIMEOUT_S = 5.0
_SERVER_THAT_IS_AWAY = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A server that does not answer any more is noticed within half a minute; libpq's own patience is hours."""
_WAL_KEPT_BYTES = 64 * 2**20


class WritingConnection:
    """Owns the writer's lock and connection. Not safe for use from two threads at once."""

    def __init__(self, location: StoreLocation, synchronous: str, station: str) -> None:
        """Take the lock, connect, migrate; raises `StoreUnusableError` with the remedy where that fails."""
        self._location = location
        self._station = station
        self._lock: FileWriterLock | None = None
        if location.path is not None:
            _prepare_file(location.path)
            self._lock = FileWriterLock(location.path)
        self._engine = _engine(location, synchronous)
        self._connection: Connection | None = None
        try:
            migrate(self.get())
        except DBAPIError as error:
            self.close()
            raise StoreUnusableError(explain(error, location, "opening")) from error
        except StoreUnusableError:
            self.close()
            raise

    def get(self) -> Connection:
        """The connection; a new one, with the lock, where the last was lost. May raise `DBAPIError`."""
        if self._connection is not None and self._connection.invalidated:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            connection = self._engine.connect()
            try:
                if self._location.path is None:
                    take_station_lock(connection, self._station, self._location.shown)
            except (DBAPIError, StoreUnusableError):
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Release all; an SQLite file is left in DELETE mode, which readers without write permission open."""
        if self._connection is not None:
            if self._location.path is not None:
                _leave_wal(self._connection)
            self._connection.close()
            self._connection = None
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _prepare_file(path: Path) -> None:
    folder = path.parent
    try:
        if not folder.is_dir():
            raise StoreUnusableError(
                f"the folder {folder} of the database {path.name} does not exist: make it (mkdir -p "
                f"{folder}), or name another place"
            )
        if path.is_dir():
            raise StoreUnusableError(
                f"the database {path} is a folder: name a file in it, e.g. {path / 'trails.sqlite'}"
            )
        if not path.exists():
            # Readable for the folder's group; SQLite gives its -wal and -shm files the same permissions.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640))
            path.chmod(0o640)
    except OSError as error:
        raise StoreUnusableError(
            f"the database {path} cannot be made ({error.strerror}): give the user that runs Crystal Monitor "
            "write permission on its folder, or name another place"
        ) from error


def _engine(location: StoreLocation, synchronous: str) -> Engine:
    if location.path is None:
        try:
            return create_engine(
                location.url,
                poolclass=NullPool,
                paramstyle="format",  # rows go to the driver as they are: see bulk.py
                connect_args=_SERVER_THAT_IS_AWAY,
            )
        except ModuleNotFoundError as error:
            raise missing_driver() from error
    engine = create_engine(
        location.url,
        poolclass=NullPool,
        paramstyle="qmark",  # rows go to the driver as they are: see bulk.py
        connect_args={"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        # Python's own transaction handling commits before DDL; we send BEGIN ourselves.
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "foreign_keys = ON",
            f"journal_size_limit = {_WAL_KEPT_BYTES}",
            "cache_size = -32768",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _leave_wal(connection: Connection) -> None:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    try:
        raw.execute("PRAGMA busy_timeout = 500")
        raw.execute("PRAGMA optimize")
        raw.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error:
        # A reader has it open, or the disk is full: the file stays in WAL mode, which is whole too.
        return
