"""Whether an SQLite store is whole: a quick look after an unclean end, and a full one by command."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from urllib.parse import quote

from monitor.errors import StoreUnusableError
from monitor.store.failures import damage_remedy
from monitor.store.location import locate
from monitor.store.locks import FileWriterLock

_BUSY_TIMEOUT_S = 5.0
_MOST_FAULTS = 20
_INTERRUPT_AGAIN_S = 0.01
_SIDE_FILES = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Integrity:
    """What a check found."""

    path: Path
    """The file."""
    faults: tuple[str, ...]
    """In SQLite's words, the first few; none: no damage was found."""
    complete: bool
    """Whether all of the file was looked at before the time was up."""

    @property
    def whole(self) -> bool:
        """Whether no damage was found."""
        return not self.faults


def check_database(database: str, *, full: bool = True, within_s: float | None = None) -> Integrity:
    """Look for damage in an SQLite store, which is opened read-only; the daemon may go on meanwhile.

    `full` compares indexes with their tables and looks at references as well (`integrity_check`, `foreign_key_check`;
    minutes for tens of gigabytes); else pages and rows alone (`quick_check`). `within_s` bounds the time, seconds.
    Raises `StoreUnusableError` where there is no such file, it cannot be opened at all, or PostgreSQL is named.
    """
    path = locate(database).path
    if path is None:
        raise StoreUnusableError(
            "PostgreSQL looks after itself: ask its server (pg_amcheck, data checksums); an SQLite file is checked here"
        )
    if not path.is_file():
        raise StoreUnusableError(
            f"there is no database {path}: name the one that the daemon writes (--database)"
        )
    return check_file(path, full=full, within_s=within_s)


def check_file(path: Path, *, full: bool, within_s: float | None = None) -> Integrity:
    """As `check_database`, of a file that is there."""
    faults: list[str] = []
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path.resolve()))}?mode=ro",
            uri=True,
            timeout=_BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise StoreUnusableError(f"the database {path} cannot be opened ({error})") from error
    done = Event()
    watch = Thread(target=_interrupt_after, args=(connection, within_s, done), daemon=True)
    watch.start()
    try:
        for check in ("integrity_check", "foreign_key_check") if full else ("quick_check",):
            for row in connection.execute(f"PRAGMA {check}"):
                said = ", ".join(str(value) for value in row)
                if check == "foreign_key_check":
                    said = f"a row refers to none: {said}"
                faults += [line for line in said.splitlines() if line != "ok" and not line.startswith("***")]
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return Integrity(path, tuple(faults[:_MOST_FAULTS]), complete=False)
        if "unable to open" in str(error) or "locked" in str(error):
            raise StoreUnusableError(f"the database {path} cannot be checked ({error})") from error
        faults.append(str(error))
    except sqlite3.DatabaseError as error:
        faults.append(str(error))
    finally:
        done.set()
        watch.join()
        connection.close()
    return Integrity(path, tuple(faults[:_MOST_FAULTS]), complete=True)


def _interrupt_after(connection: sqlite3.Connection, seconds: float | None, done: Event) -> None:
    if done.wait(seconds):
        return
    # Again and again: an interrupt between two statements, or before the first, is forgotten.
    connection.interrupt()
    while not done.wait(_INTERRUPT_AGAIN_S):
        connection.interrupt()


def damage_message(found: Integrity) -> str:
    """What is said of a damaged store, with the remedy."""
    return (
        f"the database {found.path} is damaged ({found.faults[0]}"
        f"{'' if len(found.faults) == 1 else f', and {len(found.faults) - 1} more'}); nothing was written to it: "
        f"{damage_remedy(found.path)}"
    )


def put_aside(path: Path, now: datetime) -> Path:
    """Give a database, with what SQLite keeps beside it, another name, never one that is taken; the new name.

    Raises `StoreUnusableError` where a daemon writes it, or the folder does not let it be renamed.
    """
    lock = FileWriterLock(path)
    try:
        stem = f"{path.name}.damaged-{now:%Y%m%dT%H%M%SZ}"
        aside, number = path.with_name(stem), 1
        while any(aside.with_name(aside.name + side).exists() for side in _SIDE_FILES):
            number += 1
            aside = path.with_name(f"{stem}-{number}")
        for side in reversed(_SIDE_FILES):  # the database last: until then the name is taken
            beside = path.with_name(path.name + side)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + side))
    except OSError as error:
        raise StoreUnusableError(
            f"the database {path} cannot be renamed ({error.strerror}): do it as the user that owns its folder"
        ) from error
    finally:
        lock.release()
    return aside
