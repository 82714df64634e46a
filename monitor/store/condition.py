"""How a store stands: room on its disk, size of its file and of its write-ahead log; and who keeps that log long."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.records.storage import StorageCondition
from monitor.store.location import locate

_LOCKS = Path("/proc/locks")
# SQLite's documented locks on NAME-shm: readers of the log hold one of these bytes (walformat, "WAL-index locks").
_READ_MARKS = range(120 + 3, 120 + 8)


def measure_folder(folder: Path) -> StorageCondition:
    """The room on a folder's disk; unknown where it cannot be asked."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return StorageCondition(str(folder))
    return StorageCondition(str(folder), disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize)


def measure_store(database: str) -> StorageCondition:
    """The condition of the store at this URL or path; of PostgreSQL nothing is known.

    Takes microseconds and opens nothing: closing any file descriptor of an SQLite file would give up the locks that
    this process holds on it. Raises `StoreUnusableError` for an address that is none.
    """
    path = locate(database).path
    if path is None:
        return StorageCondition()
    return replace(
        measure_folder(path.parent),
        wal_bytes=_size(path.with_name(path.name + "-wal")) or 0,
        database_bytes=_size(path),
    )


@dataclass(frozen=True, slots=True)
class WalReader:
    """A process that reads the database now."""

    process_id: int
    """Its number."""
    name: str
    """Its name; empty where it cannot be had."""


def wal_readers(database: str) -> tuple[WalReader, ...]:
    """Other processes that hold a read transaction on an SQLite store; empty where that cannot be known."""
    path = locate(database).path
    if path is None:
        return ()
    try:
        index = path.with_name(path.name + "-shm").stat()
        locks = _LOCKS.read_text(encoding="ascii")
    except OSError:
        return ()
    where = f"{os.major(index.st_dev):02x}:{os.minor(index.st_dev):02x}:{index.st_ino}"
    found = set()
    for line in locks.splitlines():
        # 12: POSIX  ADVISORY  READ 4242 fe:00:131074 123 123
        words = line.split()
        if len(words) != 8 or words[1] != "POSIX" or words[3] != "READ" or words[5] != where:
            continue
        first, last = int(words[6]), int(words[7]) if words[7] != "EOF" else _READ_MARKS[-1]
        process_id = int(words[4])
        if process_id not in (os.getpid(), -1) and any(first <= mark <= last for mark in _READ_MARKS):
            found.add(process_id)
    return tuple(WalReader(process_id, _name(process_id)) for process_id in sorted(found))


def _name(process_id: int) -> str:
    try:
        return Path(f"/proc/{process_id}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
