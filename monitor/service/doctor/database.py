"""The database: can it be read, is it whole, has it room, who may read it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from urllib.parse import quote

from monitor.errors import QueryError, StoreError
from monitor.service.doctor.finding import Finding, fail, from_message, ok, warn
from monitor.service.station_troubles import LARGEST_WAL_BYTES, LEAST_FREE_BYTES, LEAST_FREE_FRACTION
from monitor.settings.redaction import without_passwords
from monitor.store import check_driver, locate, run_query

_CHECK_WITHIN_S = 20.0
_SHARES = ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs", "lustre")


def look_at_database(database: str) -> Iterator[Finding]:
    """An SQLite file, or a server. Changes nothing."""
    shown = without_passwords(database)
    try:
        path = locate(database).path
    except StoreError as error:
        yield from_message("storage.database", error)
        return
    if path is None:
        yield _server(database, shown)
        return
    yield _share(path)
    if not path.exists():
        yield ok("storage.database", f"{path} is not there yet: the first start makes it")
        yield _room(path.parent)
        return
    yield _readable(database, path)
    yield _whole(path)
    yield _sizes(path)
    yield _room(path.parent)
    yield _permissions(path)


def _server(database: str, shown: str) -> Finding:
    try:
        check_driver()
        found = run_query(database, "SELECT version()", timeout_s=_CHECK_WITHIN_S).rows
    except (StoreError, QueryError) as error:
        return from_message("storage.database", error)
    return ok("storage.database", f"{shown} answers: {str(found[0][0]).partition(' on ')[0]}")


def _readable(database: str, path: Path) -> Finding:
    try:
        runs = run_query(database, "SELECT COUNT(*) FROM run_summary", timeout_s=_CHECK_WITHIN_S).rows[0][0]
    except (StoreError, QueryError) as error:
        return from_message("storage.database", error)
    return ok("storage.database", f"{path} answers: {runs!s} runs")


def _whole(path: Path) -> Finding:
    """SQLite's own quick check, for a bounded time."""
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0, check_same_thread=False
        )
    except sqlite3.Error as error:
        return fail(
            "integrity", f"{path} cannot be opened: {error}", "check its permissions and its folder's"
        )
    watch = Timer(_CHECK_WITHIN_S, connection.interrupt)
    watch.start()
    try:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return ok("integrity", f"no damage in what could be looked at within {_CHECK_WITHIN_S:.0f} s")
        return fail("integrity", str(error), "check the file's permissions and its folder's")
    except sqlite3.DatabaseError as error:
        return fail("integrity", str(error), "restore it from a backup")
    finally:
        watch.cancel()
        connection.close()
    if answer != "ok":
        return fail("integrity", str(answer), "stop the station and restore the database from a backup")
    return ok("integrity", "SQLite's quick check finds no damage")


def _sizes(path: Path) -> Finding:
    wal = Path(f"{path}-wal")
    wal_bytes = wal.stat().st_size if wal.exists() else 0
    says = f"{path.stat().st_size / 1e6:.3g} MB, write-ahead log {wal_bytes / 1e6:.3g} MB"
    if wal_bytes > LARGEST_WAL_BYTES:
        return warn("size", says, "a program keeps an old state of the database open: end it")
    return ok("size", says)


def _room(folder: Path) -> Finding:
    place = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
    disk = shutil.disk_usage(place)
    says = f"{disk.free / 1e9:.3g} GB of {disk.total / 1e9:.3g} GB are free in {place}"
    if disk.free < max(LEAST_FREE_BYTES, LEAST_FREE_FRACTION * disk.total):
        return warn("disk", says, "make room, or move old runs away")
    return ok("disk", says)


def _share(path: Path) -> Finding:
    """Whether the file lies on a network share, by the longest mount that holds it."""
    folder = next(
        (each for each in (path.parent.resolve(), *path.parent.resolve().parents) if each.exists()), Path("/")
    )
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ok("file system", "not known")
    holding = [(point, kind) for _, point, kind, *_ in mounts if folder.is_relative_to(point)]
    point, kind = max(holding, key=lambda each: len(each[0]), default=("/", "not known"))
    if kind in _SHARES:
        return fail(
            "file system",
            f"{path} lies on a network share ({kind} at {point}): SQLite's locks do not hold there",
            "name a file on a local disk, or use PostgreSQL",
        )
    return ok("file system", f"{kind} at {point}")


def _permissions(path: Path) -> Finding:
    mode, folder_mode = path.stat().st_mode, path.parent.stat().st_mode
    says = f"file {stat.S_IMODE(mode):04o}, folder {stat.S_IMODE(folder_mode):04o}"
    if mode & (stat.S_IWOTH | stat.S_IWGRP):
        return warn("permissions", f"{says}: others may write the database", f"chmod 640 {path}")
    if mode & stat.S_IROTH:
        return warn("permissions", f"{says}: everybody may read the database", f"chmod 640 {path}")
    if not os.access(path, os.W_OK):
        return ok("permissions", f"{says}; this user may read it, and not write it")
    return ok("permissions", says)
