"""An SQLite store written anew without its free pages, so that the room goes back to the disk.

Free pages are used again by the next frames, so that a file under retention stops growing by itself; it never shrinks.
`VACUUM INTO` rather than `auto_vacuum`: that mode cannot be set on a file that is there, and moves pages in commits.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from monitor.errors import BackupError
from monitor.store.locks import FileWriterLock
from monitor.store.store_file import (
    count_rows,
    give_to_owner_of,
    prove_copy,
    require_file,
    require_room,
    sync,
)

_MODE = 0o640


def compact(store: Path) -> tuple[int, int]:
    """Write the store anew; its size before and after, bytes.

    Raises `StoreUnusableError` where a writer has it or it is missing, `BackupError` where that fails: then the store
    is as it was.
    """
    require_file(store)
    lock = FileWriterLock(store)
    partial = store.with_name(f".{store.name}.compacting")
    try:
        require_room(store, store.parent)
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(store, timeout=5.0, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("VACUUM INTO ?", (str(partial),))
            wanted = count_rows(connection)
        partial.chmod(_MODE)
        give_to_owner_of(store, partial)
        prove_copy(partial, store, wanted)
        before = store.stat().st_size
        partial.replace(store)
        sync(store.parent)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(
            f"{store} cannot be written anew ({error}): close what reads it, and check room"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
        lock.release()
    return before, store.stat().st_size
