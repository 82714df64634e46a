"""`NeighbourTimes`: a still whose time nobody knows takes the place of its neighbour in time."""

from __future__ import annotations

from dataclasses import replace

from monitor.clock import Instant
from monitor.footage.stills import Still
from monitor.frame import FailureCause, TimeSource


class NeighbourTimes:
    """Places the failures of one session in its own time, which need not be the wall clock's.

    A file that says no time of its own gets that of the last one before it that did. Failures before any such file
    wait for the first, whose time they get. Not thread-safe.
    """

    def __init__(self) -> None:
        """No time is known yet."""
        self._latest: Instant | None = None
        self._early: list[Still] = []

    def place(self, still: Still) -> list[Still]:
        """What is to be given now, in order, each with a time: none while that still waits."""
        if still.captured is not None:
            self._latest = still.captured
            return [*(_at(early, still.captured) for early in self._take_early()), still]
        if self._latest is None:
            self._early.append(still)
            return []
        return [_at(still, self._latest)]

    @property
    def images_wait(self) -> bool:
        """Whether an image waits that can be read: perhaps the place that is asked knows no time at all."""
        return any(still.cause is FailureCause.NO_TIME for still in self._early)

    def give_up(self) -> list[Still]:
        """Those that wait, as they came, without a time."""
        return self._take_early()

    def _take_early(self) -> list[Still]:
        early, self._early = self._early, []
        return early


def _at(still: Still, captured: Instant) -> Still:
    return replace(still, captured=captured, time_source=TimeSource.NEIGHBOUR)
