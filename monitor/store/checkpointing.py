"""Keeps the write-ahead log short when readers hold it: off the frame's path, in a thread with its own connection.

In quiet SQLite checkpoints by itself, every 1000 pages (4 MB), within a commit. A reader in the middle of a question
keeps the log from starting anew, and readers that overlap for ever would let it grow for ever. From
`TROUBLE_BYTES` on the commits therefore leave checkpoints to this thread. Several times a second a passive one copies
what no reader needs, and holds nobody up; as soon as that is all, a truncating one holds the commits for a moment and
starts the log anew. Where no such moment comes and the log goes on growing, commits are made to wait for old readers to
end, from `HOLD_BYTES` on: first for those that read before the commits were held, then for those that came until the
last of these had ended; who comes later reads the database itself, and is not in the way. One patient wait therefore
does what many with commits between them do not: each of those begins anew, and holds the commits for longer in all. The
patient wait is made of short attempts, for SQLite cannot be stopped while it waits; what one has copied the next need
not, and no commit gets in between, because a commit that waits looks only every 0.1 s whether it may. No commit waits
while the same reader holds the log: what it pins cannot be taken from it, and the log is as long as what was written
since its question began.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

from monitor.settings.waits import COMMIT_HELD_S

log = logging.getLogger(__name__)

QUIET_PAGES = 1000
"""SQLite's own checkpoint comes after so many pages, in a commit."""
TROUBLE_BYTES = 16 * 2**20
"""From this size of the log on this thread looks after it."""
HOLD_BYTES = 28 * 2**20
"""From this size of the log on commits wait for old readers."""
PATIENCE_S = COMMIT_HELD_S
"""How long a commit may wait for old readers, seconds. Then commits are left alone for as long."""
ATTEMPT_S = 0.5
"""Longest attempt within that patience, seconds: a stop waits for one at most."""
MOMENT_S = 0.1
"""How long a moment without an old reader is waited out, and how often one is looked for, seconds."""
_PINNED_PAUSE_S = 0.2
"""As long as one reader pins the log, which may end at any moment."""


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
                if own is not None:  # ends what is being copied; a wait for readers does not look at it
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
        try:
            own = sqlite3.connect(self._database, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            log.warning("the write-ahead log of %s cannot be shortened: %s", self._database, error)
            return
        self._own = own
        try:
            self._look_for_a_moment(own)
        finally:
            self._own = None
            own.close()

    def _look_for_a_moment(self, own: sqlite3.Connection) -> None:
        pause_s, rest_until_s, copied_before = MOMENT_S, 0.0, -1
        while not self._stop.wait(pause_s):
            try:
                _, pages, copied = own.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                pinned = copied == copied_before and copied < pages
                copied_before = copied
                if copied == pages:  # nobody reads what is older: hold the commits before somebody does
                    if _truncate(own, MOMENT_S):
                        return
                elif not pinned and self._length() > HOLD_BYTES and time.monotonic() > rest_until_s:
                    begun_s = time.monotonic()
                    if self._hold(own):
                        return
                    rest_until_s = 2 * time.monotonic() - begun_s
            except sqlite3.Error as error:  # a full disk, for one: it is tried again
                log.info("the write-ahead log of %s cannot be shortened yet: %s", self._database, error)
                pinned = True
            pause_s = _PINNED_PAUSE_S if pinned else MOMENT_S

    def _hold(self, own: sqlite3.Connection) -> bool:
        """Let commits wait until the log has started anew, or patience or the store ends; whether it has."""
        end_s = time.monotonic() + PATIENCE_S
        while (left_s := end_s - (begun_s := time.monotonic())) > 0 and not self._stop.is_set():
            wait_s = min(left_s, ATTEMPT_S)
            if _truncate(own, wait_s):
                return True
            if time.monotonic() - begun_s < wait_s / 2:
                return False  # it is no reader that is in the way: somebody else copies just now
        return False


def _truncate(connection: sqlite3.Connection, patience: float) -> bool:
    connection.execute(f"PRAGMA busy_timeout = {round(1000 * patience)}")
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
