"""The database: can it be read, is it whole, has it room, who may read it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from monitor.errors import QueryError, StoreError, StoreUnusableError
from monitor.service.doctor.finding import Finding, fail, from_message, ok, warn
from monitor.settings.redaction import without_passwords
from monitor.settings.storage import StorageSettings
from monitor.store import (
    check_database,
    check_driver,
    check_local,
    locate,
    measure_folder,
    measure_store,
    run_query,
    wal_readers,
)

_CHECK_WITHIN_S = 20.0


def look_at_database(settings: StorageSettings) -> Iterator[Finding]:
    """An SQLite file, or a server. Changes nothing."""
    database = settings.database
    try:
        path = locate(database).path
    except StoreError as error:
        yield from_message("storage.database", error)
        return
    if path is None:
        yield _server(database, without_passwords(database))
        return
    yield _share(path, settings)
    if not path.exists():
        yield ok("storage.database", f"{path} is not there yet: the first start makes it")
        yield _room(path.parent, settings)
        return
    yield _readable(database, path)
    yield _whole(database)
    yield _sizes(settings)
    yield _room(path.parent, settings)
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


def _whole(database: str) -> Finding:
    """SQLite's own quick check, for a bounded time; `crystal-monitor check-database` looks at all of it."""
    try:
        found = check_database(database, full=False, within_s=_CHECK_WITHIN_S)
    except StoreUnusableError as error:
        return from_message("integrity", error)
    if not found.whole:
        return fail(
            "integrity",
            f"the database is damaged: {found.faults[0]}",
            "stop the station; `crystal-monitor check-database --set-aside` puts it aside, then restore a backup",
        )
    return ok("integrity", f"no damage{'' if found.complete else ', as far as could be looked in 20 s'}")


def _sizes(settings: StorageSettings) -> Finding:
    condition = measure_store(settings.database)
    wal_bytes = condition.wal_bytes or 0
    says = f"{(condition.database_bytes or 0) / 1e6:.3g} MB, write-ahead log {wal_bytes / 1e6:.3g} MB"
    if wal_bytes > settings.wal_alert_bytes:
        readers = ", ".join(
            f"{reader.name} ({reader.process_id})" for reader in wal_readers(settings.database)
        )
        return warn("size", says, f"end the program that reads without a break: {readers or 'see lsof'}")
    return ok("size", says)


def _room(folder: Path, settings: StorageSettings) -> Finding:
    place = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
    disk = measure_folder(place)
    if disk.free_bytes is None or disk.disk_bytes is None:
        return ok("disk", f"the room in {place} is not known")
    says = f"{disk.free_bytes / 1e9:.3g} GB of {disk.disk_bytes / 1e9:.3g} GB are free in {place}"
    limits = settings.disk.limits(disk.disk_bytes)
    if disk.free_bytes < limits.pause_bytes:
        return fail("disk", f"{says}, too little to go on", "make room, or move old runs away")
    if disk.free_bytes < limits.alert_bytes:
        return warn("disk", says, "make room, or move old runs away")
    return ok("disk", says)


def _share(path: Path, settings: StorageSettings) -> Finding:
    try:
        check_local(path)
    except StoreUnusableError as error:
        if settings.allow_network_share:
            return warn("file system", f"{path} lies on a network share", "see storage.allow_network_share")
        return from_message("file system", error)
    return ok("file system", f"{path.parent} is on a disk of this machine")


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
