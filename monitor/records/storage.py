"""`StorageCondition`: how much room the station has, and how long the database's write-ahead log is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StorageCondition:
    """As measured at one moment. None: not known, or there is no such thing (a server's disk, a log of PostgreSQL)."""

    folder: str = ""
    """The folder that was asked about."""
    free_bytes: int | None = None
    """Room that this user has on its disk, bytes."""
    disk_bytes: int | None = None
    """Size of that disk, bytes."""
    wal_bytes: int | None = None
    """Size of the write-ahead log's file (NAME-wal), bytes; 0 where there is none now."""
    database_bytes: int | None = None
    """Size of the database file, bytes."""


def bytes_text(size_bytes: float) -> str:
    """A size as people say it, in decimal units: `1.8 GB`, `64 MB`, `300 kB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(size_bytes) >= scale:
            return f"{size_bytes / scale:.3g} {unit}"
    return f"{size_bytes:.0f} bytes"
