"""What a database's refusal means to the user, with the remedy."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from monitor.store.location import StoreLocation

_REMEDIES = (
    (
        ("not a database", "malformed", "file is encrypted"),
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


def explain(error: DBAPIError, location: StoreLocation, doing: str) -> str:
    """One message: what was tried, on which store, what the database said, and what to do."""
    said = str(error.orig).strip().splitlines()[0] if error.orig is not None else str(error)
    lowered = said.lower()
    for words, remedy in _REMEDIES:
        if any(word in lowered for word in words):
            return f"{doing} the trail store {location.shown} failed ({said}): {remedy}"
    return f"{doing} the trail store {location.shown} failed ({said})"
