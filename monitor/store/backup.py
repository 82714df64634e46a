"""Backup of an SQLite store while the daemon writes it, and the way back.

The copy is one moment of the store (SQLite's online backup of a held snapshot), made in slices of a megabyte, checked,
and only then given its name. PostgreSQL has tools of its own: `postgresql_backup_command`.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from monitor.clock import Instant
from monitor.errors import BackupError, StoreUnusableError
from monitor.store.location import StoreLocation
from monitor.store.locks import FileWriterLock
from monitor.store.store_file import (
    check_store_file,
    count_rows,
    give_to_owner_of,
    open_read_only,
    prove_copy,
    require_file,
    require_room,
    sync,
)

_SLICE_PAGES = 256
_PAUSE_S = 0.002
"""After every slice of a megabyte, so that the copy takes no more than about half of a disk's time."""
_ATTEMPTS = 5
_MODE = 0o640
_STAMP = "%Y%m%dT%H%M%SZ"

Told = Callable[[int, int], None]
"""Called with how many bytes are copied, and of how many."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made and checked."""

    path: Path
    """Where it is."""
    size_bytes: int
    """How large."""
    rows: dict[str, int]
    """Rows by table: as many as the store had at that moment."""
    removed: tuple[Path, ...]
    """Older backups that were removed, for no more than so many are kept."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A store that was put back."""

    rows: dict[str, int]
    """Rows by table."""
    kept_aside: Path | None
    """Where the file is that was there before; None where there was none."""


def back_up(store: Path, target: Path, at: Instant, keep: int | None, told: Told) -> Backup:
    """Copy the store to `target`: a folder, where its name says when, or the name of a file that does not exist yet.

    With `keep` the oldest of this store's backups in the folder are removed until so many are left, never the new one.
    Raises `StoreUnusableError` where there is no store, `BackupError` where the copy cannot be made or is not whole;
    then nothing is left, and no earlier backup was touched.
    """
    require_file(store)
    final = target / f"{store.stem}-{at.utc.strftime(_STAMP)}.sqlite" if target.is_dir() else target
    if keep is not None and final == target:
        raise BackupError(
            f"--keep counts the backups in a folder, and {target} is none: make it (mkdir -p {target})"
        )
    if final.exists():
        raise BackupError(
            f"there is a file {final} already, and a backup replaces none: name another, or a folder"
        )
    with _alone_in(final.parent, store.stem):
        partial = final.with_name(f".{final.name}.partial")
        rows = _copy_checked(store, partial, told)
        _publish(partial, final)
        removed = _remove_oldest(final, store.stem, keep) if keep is not None else ()
    return Backup(final, final.stat().st_size, rows, removed)


def restore(backup: Path, store: Path, at: Instant, told: Told) -> Restored:
    """Put the backup in the store's place; what was there is kept aside, beside it.

    Raises `StoreUnusableError` where a writer has the store, `BackupError` where the backup is not whole or the copy
    fails; then the store is as it was.
    """
    check_store_file(backup)
    if not store.parent.is_dir():
        raise StoreUnusableError(
            f"the folder {store.parent} does not exist: make it (mkdir -p {store.parent})"
        )
    lock = FileWriterLock(store)
    try:
        partial = store.with_name(f".{store.name}.restoring")
        rows = _copy_checked(backup, partial, told)
        owner = store if store.exists() else store.parent
        for path in (partial, store.with_name(store.name + ".lock")):
            give_to_owner_of(owner, path)
        aside = _keep_aside(store, at) if store.exists() else None
        partial.replace(store)
        sync(store.parent)
    finally:
        lock.release()
    return Restored(rows, aside)


def postgresql_backup_command(location: StoreLocation, target: Path) -> str:
    """What backs up a PostgreSQL store, as typed into a shell; the password comes from ~/.pgpass or PGPASSWORD."""
    return f"pg_dump --format=custom --file={shlex.quote(str(target))} --dbname={shlex.quote(_plain_url(location))}"


def postgresql_restore_command(location: StoreLocation, backup: Path) -> str:
    """What puts such a backup back, into a database that is there."""
    database = shlex.quote(_plain_url(location))
    return f"pg_restore --clean --if-exists --no-owner --dbname={database} {shlex.quote(str(backup))}"


def _plain_url(location: StoreLocation) -> str:
    return location.url.set(drivername="postgresql", password=None).render_as_string()


class _ChangedError(Exception):
    """The source became another one while it was copied."""


def _copy_checked(source: Path, partial: Path, told: Told) -> dict[str, int]:
    """Copy to `partial`, check it and make it durable; nothing is left of it where that fails. Rows by table."""
    try:
        require_room(source, partial.parent)
        for _ in range(_ATTEMPTS):
            partial.unlink(missing_ok=True)
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE))
            partial.chmod(_MODE)
            with suppress(_ChangedError):
                wanted = _copy(source, partial, told)
                prove_copy(partial, source, wanted)
                return wanted
        raise BackupError(
            f"the store {source} was opened or closed {_ATTEMPTS} times while it was copied: try again"
        )
    except (sqlite3.Error, OSError) as error:
        partial.unlink(missing_ok=True)
        raise BackupError(
            f"{source} cannot be copied to {partial.parent} ({error}): check room and permissions"
        ) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _copy(source: Path, partial: Path, told: Told) -> dict[str, int]:
    with (
        closing(open_read_only(source)) as reading,
        closing(sqlite3.connect(partial, isolation_level=None)) as copy,
    ):
        held = _journal_mode(reading) == "wal"
        (page_bytes,) = reading.execute("PRAGMA page_size").fetchone()
        if held:
            # A snapshot is held, so that commits do not make the copy begin anew.
            reading.execute("BEGIN")
            reading.execute("SELECT COUNT(*) FROM migration").fetchone()
        before: list[int] = []

        def follow(_status: int, remaining: int, total: int) -> None:
            if not held and before and remaining > before[-1]:
                raise _ChangedError  # a daemon started, and the copy began anew
            before.append(remaining)
            told((total - remaining) * page_bytes, total * page_bytes)
            threading.Event().wait(_PAUSE_S)

        reading.backup(copy, pages=_SLICE_PAGES, progress=follow)
        rows = count_rows(reading)
        if not held and _journal_mode(reading) == "wal":
            raise _ChangedError
        # A file in WAL mode cannot be read by those who may not write its folder.
        copy.execute("PRAGMA journal_mode = DELETE")
        return rows


def _journal_mode(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def _publish(partial: Path, final: Path) -> None:
    try:
        os.link(partial, final)  # unlike a rename, it replaces nothing
    except OSError as error:
        raise BackupError(f"the backup cannot be named {final} ({error.strerror})") from error
    finally:
        partial.unlink(missing_ok=True)
    sync(final.parent)


def _remove_oldest(new: Path, stem: str, keep: int) -> tuple[Path, ...]:
    pattern = re.compile(_name_of_backup(stem))
    known = sorted(path for path in new.parent.iterdir() if pattern.fullmatch(path.name) and path != new)
    removed = tuple(known[: max(0, len(known) + 1 - max(keep, 1))])
    for path in removed:
        path.unlink()
    return removed


def _name_of_backup(stem: str) -> str:
    return re.escape(stem) + r"-\d{8}T\d{6}Z\.sqlite"


@contextmanager
def _alone_in(folder: Path, stem: str) -> Iterator[None]:
    """One backup of a store into a folder at a time; what a killed one left is removed."""
    path = folder / f".{stem}.backup.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    except OSError as error:
        raise BackupError(
            f"nothing can be written into {folder} ({error.strerror}): make it, or name another"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BackupError(f"another backup into {folder} is under way: wait for it") from error
        of_a_copy = re.compile(r"\." + _name_of_backup(stem) + r"\.partial(-journal|-wal|-shm)?")
        for left in folder.iterdir():
            if of_a_copy.fullmatch(left.name):
                left.unlink()
        yield
    finally:
        os.close(descriptor)


def _keep_aside(store: Path, at: Instant) -> Path:
    """Give what is there another name too; its write-ahead log first goes into it, or with it."""
    aside = store.with_name(f"{store.name}.before-restore-{at.utc.strftime(_STAMP)}")
    with suppress(sqlite3.Error), closing(sqlite3.connect(store)) as old:
        old.execute("PRAGMA journal_mode = DELETE")
    for suffix in ("-wal", "-journal"):
        log = store.with_name(store.name + suffix)
        if log.exists():  # it is damaged, or somebody reads it
            log.replace(aside.with_name(aside.name + suffix))
    store.with_name(store.name + "-shm").unlink(missing_ok=True)
    try:
        os.link(store, aside)
    except FileExistsError as error:
        raise BackupError(f"there is a file {aside} already: wait a second") from error
    return aside
