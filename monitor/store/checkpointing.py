"""Keeps the write-ahead log short when readers hold it: off the frame's path, in a thread with its own connection.

In quiet SQLite checkpoints by itself, every 1000 pages (4 MB), within a commit. A reader in the middle of a question
keeps the log from starting anew, and readers that overlap for ever would let it grow for ever. From
`TROUBLE_BYTES` on the commits therefore leave checkpoints to this thread. A passive one copies what no reader needs,
and holds nobody up; then a truncating one waits for a moment without an old reader. Commits wait with it, so it is
given little time, more as the log grows (`patience_s`), and none where the same reader holds the log as the last time:
what a reader pins cannot be taken from it, and the log is as long as what was written since its question began.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

QUIET_PAGES = 1000
"""SQLite's own checkpoint comes after so many pages, in a commit."""
TROUBLE_BYTES = 16 * 2**20
"""From this size of the log on this thread looks after it."""
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0
_REST = 10.0
"""Commits are held up for a tenth of the time at most."""


def patience_s(log_bytes: int) -> float:
    """How long a truncating checkpoint, and with it a commit, may wait for readers, seconds."""
    if log_bytes < 2 * TROUBLE_BYTES:
        return 0.05
    if log_bytes < 3 * TROUBLE_BYTES:
        return 0.25
    return 1.0 if log_bytes < 4 * TROUBLE_BYTES else 4.0


class Checkpointer:
    """Watches one SQLite file's log; `after_commit` comes from the writer's thread."""

    def __init__(self, database: Path, writer: sqlite3.Connection) -> None:
        """`writer` is the connection that commits; nothing runs before there is something to do."""
        self._database = database
        self._log = database.with_name(database.name + "-wal")
        self._writer = writer
        self._thread: threading.Thread | None = None
        self._own: sqlite3.Connection | None = None
        self._stop = threading.Event()

    def after_commit(self) -> None:
        """Look at the log, and have it shortened where it has become long. Costs microseconds."""
        if self._thread is not None:
            if not self._thread.is_alive():
                self._thread = None
                self._writer.execute(f"PRAGMA wal_autocheckpoint = {QUIET_PAGES}")
            return
        if self._length() > TROUBLE_BYTES:
            self._writer.execute("PRAGMA wal_autocheckpoint = 0")
            self._thread = threading.Thread(target=self._shorten, name="checkpoint", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop, before the writer's connection is closed."""
        self._stop.set()
        if self._thread is not None:
            while self._thread.is_alive():
                own = self._own
                if own is not None:
                    with suppress(sqlite3.ProgrammingError):  # closed in this very moment
                        own.interrupt()
                self._thread.join(0.05)
            self._thread = None

    def _length(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    def _shorten(self) -> None:
        pause_s = _FIRST_PAUSE_S
        try:
            own = sqlite3.connect(self._database, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            log.warning("the write-ahead log of %s cannot be shortened: %s", self._database, error)
            return
        self._own = own
        copied_before, moved = -1, False
        try:
            while not self._stop.is_set():
                patience = patience_s(self._length())
                try:
                    _, pages, copied = own.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                    moved = copied == pages or copied != copied_before
                    copied_before = copied
                    if moved and _truncate(own, patience):
                        return
                except sqlite3.Error as error:  # a full disk, for one: it is tried again
                    log.info("the write-ahead log of %s cannot be shortened yet: %s", self._database, error)
                self._stop.wait(max(pause_s, _REST * patience if moved else 0.0))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        finally:
            self._own = None
            own.close()


def _truncate(connection: sqlite3.Connection, patience: float) -> bool:
    connection.execute(f"PRAGMA busy_timeout = {round(1000 * patience)}")
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
