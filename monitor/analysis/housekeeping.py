"""What the analysis does while it waits for a frame: a slice of retention."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from monitor.clock import Clock, Instant
from monitor.errors import StoreError
from monitor.settings.retention import RetentionSettings
from monitor.store import SqlTrailStore, Tidied

log = logging.getLogger(__name__)

SHORTEST_WAIT_S = 0.1
"""No slice begins where a frame is due sooner: one of 500 points takes some 20 ms; a frame waits for one at most."""
LOOK_EVERY_S = 600.0
"""How often runs are looked for that have become due, and the pause after a store that took nothing, seconds."""


class Housekeeping:
    """Thins and removes ended runs, in the loop's thread, a slice at a time."""

    def __init__(self, store: SqlTrailStore, wanted: RetentionSettings, clock: Clock) -> None:
        """Nothing is done yet, nor ever where `wanted` says nothing."""
        self._store = store
        self._wanted = wanted
        self._clock = clock
        self._steps: Iterator[Tidied | None] | None = None
        self._looked: Instant | None = None
        self._told: set[int] = set()

    def use(self, wait_s: float) -> bool:
        """Use a wait of so many seconds; whether something was done in it."""
        if not self._wanted.enabled or wait_s < SHORTEST_WAIT_S:
            return False
        now = self._clock.now()
        if self._steps is None:
            if self._looked is not None and now.seconds_since(self._looked) < LOOK_EVERY_S:
                return False
            self._looked = now
            self._steps = self._store.tidy(self._wanted, now)
        try:
            done = next(self._steps)
        except StopIteration:
            self._steps = None
            return False
        except StoreError as error:
            log.error("retention waits: %s", error)
            self._steps, self._looked = None, now
            return False
        if done is not None and done.action == "waiting":
            if done.run_id not in self._told:
                self._told.add(done.run_id)
                log.warning(
                    "run %d (%s) is due for removal and stays until its %d undelivered alerts are sent or given up",
                    done.run_id, done.name, done.alerts_waiting,
                )  # fmt: skip
        elif done is not None:
            frames = f" and {done.frames_removed} frames" if done.frames_removed else ""
            log.info(
                "run %d (%s) %s: %d of %d points%s are gone",
                done.run_id, done.name, done.action, done.points_removed, done.points, frames,
            )  # fmt: skip
        return True
