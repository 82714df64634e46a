"""The one place that waits for a store that cannot take something: a full disk, a lock, a server that is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from monitor.clock import Clock, Instant
from monitor.errors import CrystalMonitorError, StoreError

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

RETRY_STORE_S = 1.0
"""Pause before what the store could not take is offered again, seconds."""
REMIND_S = 60.0
"""While the store takes nothing, the log says so this often, seconds."""


class NotStoredError(CrystalMonitorError):
    """The analysis was stopped while the store could not take something: that is not stored."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """A time in which nothing was stored."""

    began: Instant
    """When."""
    ended: Instant
    """When the store took something again, or there was room again."""
    reason: str
    """Why, in the user's terms."""
    announced: bool
    """Whether its beginning stands in the store already."""

    @property
    def lasted_s(self) -> float:
        """How long, seconds."""
        return self.ended.seconds_since(self.began)


class StoreWriter:
    """Offers the store a piece of work until it is done or the analysis is told to stop; nothing is thrown away.

    Work must be all or nothing, as `TrailStore`'s methods are. It is tried at least once, also after a stop.
    """

    def __init__(self, clock: Clock, stop: threading.Event, waiting: Callable[[str], None]) -> None:
        """`waiting` is called with the store's words before every pause: whoever asks can be told."""
        self._clock = clock
        self._stop = stop
        self._waiting = waiting
        self.interruptions: list[Interruption] = []
        """Times in which nothing was stored, for whoever takes them out to tell."""

    def do(self, work: Callable[[], Answer], what: str) -> Answer:
        """The work's answer. `what` it is, for the log. Raises NotStoredError where a stop ends the waiting."""
        try:
            return work()
        except StoreError as error:
            return self._insist(work, what, error)

    def hold(self, why: Callable[[], str]) -> None:
        """Store nothing until `why` has nothing more to say. Raises NotStoredError where a stop ends the waiting."""
        reason = why()
        if not reason:
            return
        began = said = self._clock.now()
        first = reason
        log.error("the analysis pauses: %s", reason)
        while reason:
            self._waiting(reason)
            if self._stop.wait(RETRY_STORE_S):
                raise NotStoredError(f"stopped while the analysis paused: {reason}")
            said = self._remind(began, said, reason)
            reason = why()
        self._resume(began, first, announced=True)

    def _insist(self, work: Callable[[], Answer], what: str, error: StoreError) -> Answer:
        began = said = self._clock.now()
        first = str(error)
        log.error("%s; %s is kept and offered again", error, what)
        while True:
            self._waiting(str(error))
            if self._stop.wait(RETRY_STORE_S):
                raise NotStoredError(f"stopped, and {what} is not stored: {error}") from error
            try:
                answer = work()
            except StoreError as again:
                error = again
                said = self._remind(began, said, str(error))
            else:
                log.warning("the store takes %s after %.0f s", what, self._clock.now().seconds_since(began))
                self._resume(began, first, announced=False)
                return answer

    def _remind(self, began: Instant, said: Instant, reason: str) -> Instant:
        now = self._clock.now()
        if now.seconds_since(said) < REMIND_S:
            return said
        log.error("the store has taken nothing for %.0f s: %s", now.seconds_since(began), reason)
        return now

    def _resume(self, began: Instant, reason: str, *, announced: bool) -> None:
        self.interruptions.append(Interruption(began, self._clock.now(), reason, announced))
