"""One writer for each SQLite file and each station of a PostgreSQL database: a lock that the kernel, or the server,
takes back when the writer dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from monitor.errors import StoreUnusableError
from monitor.settings.system_station import STATE_FOLDER
from monitor.store.failures import remedy_for

# Any constant does: advisory locks live within one database.
_MIGRATION_KEY = 0x43725973744D6F6E
_LOCK_WAIT_S = 2.0
_LOCK_NOT_AVAILABLE = "55P03"
"""What PostgreSQL calls it that somebody has the lock still after `lock_timeout`."""


def _remedy(station: str) -> str:
    return (
        f"is already written by another process of Crystal Monitor: stop that one (`systemctl stop "
        f"crystal-monitor@{station}.target crystal-monitor@{station}.service`, or end the other `run`, `demo` or "
        "`replay`), or name another database"
    )


class FileWriterLock:
    """An exclusive fcntl lock on `NAME.lock` beside the SQLite file; the file stays, the lock goes with the
    process."""

    def __init__(self, database: Path) -> None:
        """Take the lock; raises `StoreUnusableError` where another process has it."""
        path = database.with_name(database.name + ".lock")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            permission = "give the user that runs Crystal Monitor write permission on the folder"
            raise StoreUnusableError(
                f"the lock file {path} cannot be opened ({error.strerror}): {remedy_for(error, permission)}"
            ) from error
        try:
            # flock rather than a record lock: it also keeps out a second store in the same process.
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            # There a database has the name of the station's units.
            station = database.stem if database.parent == STATE_FOLDER else "NAME"
            raise StoreUnusableError(f"the trail store {database} {_remedy(station)}") from error

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._descriptor)


def take_station_lock(connection: Connection, station: str, shown: str) -> None:
    """Take the station's session lock in PostgreSQL on this connection: each station has one writer of its own.

    Raises `StoreUnusableError` where another has it, and keeps it for longer than a server needs to notice that a
    writer has gone: its lock goes with the server's process for it, after the writer's own. The server waits.
    """
    key = {"key": int.from_bytes(sha256(f"station {station}".encode()).digest()[:8], "big", signed=True)}
    try:
        connection.execute(text(f"SET LOCAL lock_timeout = {round(1000 * _LOCK_WAIT_S)}"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
        connection.commit()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        connection.rollback()
        raise StoreUnusableError(
            f"station {station!r} of the trail store {shown} {_remedy(station)}; another station needs "
            "another `name` in its settings"
        ) from error


@contextmanager
def migrating_alone(connection: Connection) -> Iterator[None]:
    """While this goes on no other station changes the tables of the PostgreSQL database; waits its turn."""
    key = {"key": _MIGRATION_KEY}
    connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
        connection.commit()
