"""A database that another version of Crystal Monitor wrote: what is said of it where a question fails for that."""

from __future__ import annotations

from collections.abc import Callable

from monitor.store.table import Table
from monitor.version import __version__

MIGRATIONS_RAN = "SELECT name, detail FROM migration ORDER BY name"
LAST_VERSION = "SELECT version FROM run ORDER BY run_id DESC LIMIT 1"


def told_of_version(ask: Callable[[str], Table]) -> str:
    """Which version the database is of, and what brings it up to date; empty where it is this one's.

    ask: puts a question of ours to the database.
    """
    from monitor.store.migrations import MIGRATIONS, VIEWS_RECORD  # noqa: PLC0415  # for a question that failed alone
    from monitor.store.views import views_fingerprint  # noqa: PLC0415

    ran = {str(name): detail for name, detail in ask(MIGRATIONS_RAN).rows}
    views = ran.pop(VIEWS_RECORD, "")
    known = {step.__name__ for step in MIGRATIONS}
    if known == ran.keys() and views == views_fingerprint():
        return ""
    versions = ask(LAST_VERSION).rows
    wrote = f"version {versions[0][0]!s}" if versions else "another version"
    if newer := sorted(ran.keys() - known):
        return (
            f"the database is newer than this version, {__version__}: {wrote} of Crystal Monitor wrote it (it has the "
            f"migration {newer[-1]}); install that version here"
        )
    lacks = sorted(known - ran.keys())
    what = f"it lacks the migration {lacks[0]}" if lacks else "its views are others"
    return (
        f"the database is of an earlier version of Crystal Monitor: {wrote} wrote it ({what}), this is {__version__}; "
        "the daemon of this version brings it up to date at its next start; until then read it with the other"
    )
