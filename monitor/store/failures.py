"""What a database's refusal means to the user, with the remedy."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from monitor.store.location import StoreLocation

_REMEDIES = (
    (
        ("not a database", "file is encrypted"),
        "it is no SQLite database or it is damaged: name another file, or restore it from a backup",
    ),
    (
        ("readonly", "read-only", "unable to open", "permission denied"),
        "give the user that runs Crystal Monitor write permission on the file and its folder",
    ),
    (
        ("full", "disk i/o error", "no space", "could not extend"),
        "the disk is full or failing: make room, or check the disk; nothing that was committed is lost, and "
        "writing goes on when there is room",
    ),
    (
        ("locked", "busy"),
        "another program holds a lock on it: close that program (a database tool with an open transaction?)",
    ),
    (("password", "authentication", "role"), "check user, password and the server's pg_hba.conf"),
    (("does not exist",), "create the database with `createdb`, or correct its name in the URL"),
    (
        ("connection", "refused", "could not translate", "timeout", "terminating"),
        "check that the PostgreSQL server runs and that host and port are right",
    ),
)


_MALFORMED = "malformed"
_READ_ONLY = (
    "its disk is mounted read-only, as Linux does by itself when a disk fails: look at the kernel's messages (dmesg), "
    "stop the station, check the disk (fsck) and mount it again; nothing that was committed is lost"
)


def explain(error: DBAPIError, location: StoreLocation, doing: str) -> str:
    """One message: what was tried, on which store, what the database said, and what to do."""
    said = str(error.orig).strip().splitlines()[0] if error.orig is not None else str(error)
    lowered = said.lower()
    if location.path is not None and _is_read_only(location.path.parent):
        return f"{doing} the trail store {location.shown} failed ({said}): {_READ_ONLY}"
    if location.path is not None and _MALFORMED in lowered:
        return (
            f"{doing} the trail store {location.shown} failed: the database {location.path} is damaged ({said}): "
            f"{damage_remedy(location.path)}"
        )
    for words, remedy in _REMEDIES:
        if any(word in lowered for word in words):
            return f"{doing} the trail store {location.shown} failed ({said}): {remedy}"
    return f"{doing} the trail store {location.shown} failed ({said})"


def damage_remedy(path: Path) -> str:
    """How a damaged store is put out of the way, and what comes in its place."""
    return (
        f"put it aside with `crystal-monitor check-database --database {path} --set-aside`, which keeps it under "
        "another name, then put the last backup in its place (`crystal-monitor restore BACKUP`), or start without one, "
        "and a new database begins. `sqlite3 ASIDE .recover` may save rows of the damaged one. Check the disk, too "
        "(smartctl, dmesg)"
    )


def remedy_for(error: OSError, otherwise: str) -> str:
    """What to do about a file that cannot be written: that of a disk gone read-only, else what the caller says."""
    return _READ_ONLY if error.errno == errno.EROFS else otherwise


def _is_read_only(folder: Path) -> bool:
    """Whether the folder's file system takes nothing, whoever asks."""
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY) or not _takes_a_file(folder)
    except OSError:
        return False


def _takes_a_file(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError as error:
        return error.errno != errno.EROFS
