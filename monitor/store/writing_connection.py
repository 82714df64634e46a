"""The writer's one connection: opened with its lock, settings and schema; reopened after the server went away."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from monitor.errors import StoreUnusableError
from monitor.store.bulk import run
from monitor.store.checkpointing import PATIENCE_S, QUIET_PAGES, TROUBLE_BYTES, Checkpointer
from monitor.store.driver import missing_driver
from monitor.store.failures import explain, remedy_for
from monitor.store.integrity import check_file, damage_message
from monitor.store.location import StoreLocation
from monitor.store.locks import FileWriterLock, take_station_lock
from monitor.store.migrations import migrate
from monitor.store.network_share import check_local

log = logging.getLogger(__name__)

_BUSY_TIMEOUT_S = PATIENCE_S + 5.0
"""The checkpointer may hold commits for its patience; who holds them for longer is a stranger."""
_SERVER_THAT_IS_AWAY = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A server that does not answer any more is noticed within half a minute; libpq's own patience is hours."""
_CLIENT_THAT_IS_AWAY = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=30000 "
    "-c idle_in_transaction_session_timeout=60000"
)
"""The same for the server: a station without power or network would keep its locks for hours, from itself as well."""
CHECK_WITHIN_S = 10.0
"""How long the look for damage after an unclean end may take unless told otherwise, seconds."""


class WritingConnection:
    """Owns the writer's lock and connection. Not safe for use from two threads at once."""

    def __init__(
        self,
        location: StoreLocation,
        synchronous: str,
        station: str,
        *,
        allow_network_share: bool = False,
        check_within_s: float = CHECK_WITHIN_S,
    ) -> None:
        """Take the lock, connect, migrate; raises `StoreUnusableError` with the remedy where that fails.

        After an unclean end an SQLite file is looked through first, for at most `check_within_s` seconds (0: not at
        all); where it is damaged nothing is written to it.
        """
        self._location = location
        self._station = station
        self._lock: FileWriterLock | None = None
        self._checkpointer: Checkpointer | None = None
        if location.path is not None:
            if not allow_network_share:
                check_local(location.path)
            _prepare_file(location.path)
            self._lock = FileWriterLock(location.path)
        self._engine = _engine(location, synchronous)
        self._connection: Connection | None = None
        try:
            if location.path is not None and check_within_s > 0:
                _check_after_unclean_end(location.path, check_within_s)
            migrate(self.get())
            if location.path is not None:
                self._checkpointer = Checkpointer(location.path, _raw(self.get()))
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

    @contextmanager
    def references_unchecked(self) -> Iterator[None]:
        """Around a transaction that deletes what nothing refers to any more: SQLite does not look for what might."""
        if self._location.path is None:
            yield
            return
        raw = _raw(self.get())
        raw.execute("PRAGMA foreign_keys = OFF")
        try:
            yield
        finally:
            if (
                raw.in_transaction
            ):  # its own rollback failed; within a transaction the next line would do nothing
                raw.rollback()
            raw.execute("PRAGMA foreign_keys = ON")

    def committed(self) -> None:
        """To be called after every commit: the write-ahead log is looked after."""
        if self._checkpointer is not None:
            self._checkpointer.after_commit()

    def close(self) -> None:
        """Release all; an SQLite file is left in DELETE mode, which readers without write permission open."""
        if self._checkpointer is not None:
            self._checkpointer.close()
            self._checkpointer = None
        if self._connection is not None:
            if self._location.path is not None:
                _leave_wal(_raw(self._connection))
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
        other = (
            "give the user that runs Crystal Monitor write permission on its folder, or name another place"
        )
        raise StoreUnusableError(
            f"the database {path} cannot be made ({error.strerror}): {remedy_for(error, other)}"
        ) from error


def _engine(location: StoreLocation, synchronous: str) -> Engine:
    if location.path is None:
        own = location.url.query.get("options", "")
        try:
            return create_engine(
                location.url,
                poolclass=NullPool,
                paramstyle="format",  # rows go to the driver as they are: see bulk.py
                connect_args={**_SERVER_THAT_IS_AWAY, "options": f"{_CLIENT_THAT_IS_AWAY} {own}"},
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
            f"wal_autocheckpoint = {QUIET_PAGES}",
            f"journal_size_limit = {TROUBLE_BYTES}",
            "cache_size = -8192",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        run(connection, "BEGIN IMMEDIATE")

    return engine


def _raw(connection: Connection) -> sqlite3.Connection:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def _check_after_unclean_end(path: Path, within_s: float) -> None:
    """Raise `StoreUnusableError` for a file that the last writer did not close, and that is damaged."""
    journal, log_file = (path.with_name(path.name + side) for side in ("-journal", "-wal"))
    if journal.exists():  # SQLite undoes what was half done as soon as somebody who may write reads
        with closing(sqlite3.connect(path)) as first, suppress(sqlite3.Error):
            first.execute("SELECT * FROM sqlite_schema").fetchall()
    elif not log_file.exists() or not log_file.stat().st_size:
        return
    found = check_file(path, full=False, within_s=within_s)
    if not found.whole:
        raise StoreUnusableError(damage_message(found))
    if found.complete:
        log.info("the last writer of %s did not close it; it was checked, and no damage was found", path)
    else:
        log.warning(
            "the last writer of %s did not close it; %g s of checking found no damage, and did not reach the end: "
            "`crystal-monitor check-database` looks at all of it",
            path,
            within_s,
        )


def _leave_wal(raw: sqlite3.Connection) -> None:
    try:
        raw.execute("PRAGMA busy_timeout = 500")
        raw.execute("PRAGMA optimize")
        raw.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error:
        # A reader has it open, or the disk is full: the file stays in WAL mode, which is whole too.
        return
