"""One writer per store: an advisory lock that the kernel, or the server, takes back when the writer dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sqlalchemy import Connection, text

from monitor.errors import StoreUnusableError

# Any constant does: advisory locks live within one database.
_ADVISORY_KEY = 0x43725973744D6F6E

_REMEDY = (
    "is already written by another process of Crystal Monitor: stop that one (`systemctl stop "
    "crystal-monitor`, or end the other `run`, `demo` or `replay`), or name another database"
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
            raise StoreUnusableError(
                f"the lock file {path} cannot be opened ({error.strerror}): give the user that runs Crystal "
                "Monitor write permission on the folder"
            ) from error
        try:
            # flock rather than a record lock: it also keeps out a second store in the same process.
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StoreUnusableError(f"the trail store {database} {_REMEDY}") from error

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._descriptor)


def take_advisory_lock(connection: Connection, shown: str) -> None:
    """Take PostgreSQL's session lock on this connection; raises `StoreUnusableError` where another has it."""
    taken = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_KEY}).scalar_one()
    connection.commit()
    if not taken:
        raise StoreUnusableError(f"the trail store {shown} {_REMEDY}")
