"""The one place that waits for a store that cannot take something: a full disk, a lock, a server that is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from monitor.clock import Clock
from monitor.errors import CrystalMonitorError, StoreError

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

RETRY_STORE_S = 1.0
"""Pause before what the store could not take is offered again, seconds."""
REMIND_S = 60.0
"""While the store takes nothing, the log says so this often, seconds."""


class NotStoredError(CrystalMonitorError):
    """The analysis was stopped while the store could not take something: that is not stored."""


class StoreWriter:
    """Offers the store a piece of work until it is done or the analysis is told to stop; nothing is thrown away.

    Work must be all or nothing, as `TrailStore`'s methods are. It is tried at least once, also after a stop.
    """

    def __init__(self, clock: Clock, stop: threading.Event, waiting: Callable[[str], None]) -> None:
        """`waiting` is called with the store's words before every pause: whoever asks can be told."""
        self._clock = clock
        self._stop = stop
        self._waiting = waiting

    def do(self, work: Callable[[], Answer], what: str) -> Answer:
        """The work's answer. `what` it is, for the log. Raises NotStoredError where a stop ends the waiting."""
        try:
            return work()
        except StoreError as error:
            return self._insist(work, what, error)

    def _insist(self, work: Callable[[], Answer], what: str, error: StoreError) -> Answer:
        began = said = self._clock.now()
        log.error("%s; %s is kept and offered again", error, what)
        while True:
            self._waiting(str(error))
            if self._stop.wait(RETRY_STORE_S):
                raise NotStoredError(f"stopped, and {what} is not stored: {error}") from error
            now = self._clock.now()
            try:
                answer = work()
            except StoreError as again:
                error = again
                if now.seconds_since(said) >= REMIND_S:
                    said = now
                    waited_s = now.seconds_since(began)
                    log.error("the store has taken nothing for %.0f s: %s", waited_s, error)
            else:
                log.warning("the store takes %s after %.0f s", what, now.seconds_since(began))
                return answer
