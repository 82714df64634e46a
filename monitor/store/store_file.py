"""An SQLite file as a store: opened read-only, checked as a whole, its rows counted."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from monitor.errors import BackupError, StoreUnusableError
from monitor.store.migrations import MIGRATIONS, VIEWS_RECORD

_SPARE = 1.02


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing; raises `StoreUnusableError` where there is no such file."""
    require_file(path)
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=10.0, isolation_level=None)


def require_file(path: Path) -> None:
    """Raise `StoreUnusableError` where there is no such file."""
    if not path.is_file():
        raise StoreUnusableError(f"there is no file {path}: name the one that is meant")


def count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows by table."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return {
        name: int(connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0])  # noqa: S608  # its own name
        for (name,) in sorted(tables)
    }


def check_store_file(path: Path) -> None:
    """Raise `BackupError` unless the file is a whole trail store that this version can read."""
    with closing(open_read_only(path)) as connection:
        try:
            ran = {name for (name,) in connection.execute("SELECT name FROM migration")}
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
        except sqlite3.Error as error:
            raise BackupError(
                f"{path} is no trail store, or it is damaged ({error}): name another backup"
            ) from error
    if found != ["ok"]:
        raise BackupError(f"{path} is damaged ({'; '.join(found)}): name another backup")
    unknown = sorted(ran - {step.__name__ for step in MIGRATIONS} - {VIEWS_RECORD})
    if unknown:
        raise BackupError(
            f"{path} was written by a newer version of Crystal Monitor (it has the migration {unknown[-1]!r}): install "
            "that version"
        )


def prove_copy(copy: Path, source: Path, rows: dict[str, int]) -> None:
    """Raise `BackupError` unless the copy is a whole store with as many rows by table; make it durable."""
    check_store_file(copy)
    with closing(open_read_only(copy)) as connection:
        found = count_rows(connection)
    if found != rows:
        raise BackupError(f"the copy of {source} has other rows than the store: {found} and {rows}")
    sync(copy)


def require_room(source: Path, folder: Path) -> None:
    """Raise `BackupError` unless a copy of the source fits into the folder."""
    wal = source.with_name(source.name + "-wal")
    wanted = (source.stat().st_size + (wal.stat().st_size if wal.exists() else 0)) * _SPARE
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise BackupError(
            f"{folder} has {free / 1e6:.0f} MB free, and a copy of {source} takes {wanted / 1e6:.0f} MB: make room, or "
            "name another folder"
        )


def give_to_owner_of(owner: Path, path: Path) -> None:
    """What root puts back must be its user's again."""
    like = owner.stat()
    if os.geteuid() == 0 and path.exists():
        os.chown(path, like.st_uid, like.st_gid)


def sync(path: Path) -> None:
    """Make a file, or what a folder lists, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
