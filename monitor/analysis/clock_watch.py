"""Notices that the machine's time of day was set while the daemon runs."""

from __future__ import annotations

from monitor.clock import NANOSECONDS_PER_SECOND, Instant
from monitor.records import Event, EventKind
from monitor.records.run import RunEvent

LEAST_STEP_S = 1.0
"""Smaller steps are those of an ordinary time service, seconds."""


class ClockWatch:
    """Compares UTC with CLOCK_BOOTTIME from look to look; a suspend moves both, and is no step."""

    def __init__(self) -> None:
        """Nothing was looked at yet."""
        self._before: Instant | None = None

    def look(self, now: Instant) -> RunEvent | None:
        """The event to store, where the time of day was set by `LEAST_STEP_S` or more since the last look."""
        before, self._before = self._before, now
        if before is None or not now.shares_boot(before):
            return None
        by_utc_s = (now.utc_ns - before.utc_ns) / NANOSECONDS_PER_SECOND
        step_s = by_utc_s - now.seconds_since(before)
        if abs(step_s) < LEAST_STEP_S:
            return None
        way = "forward" if step_s > 0 else "back"
        message = (
            f"the machine's clock was set {way} by {abs(step_s):.6g} s: times of day from here on are by the new one; "
            "elapsed times and growth rates go by another clock and are not changed"
        )
        return RunEvent(now, Event(EventKind.CLOCK_STEPPED, message, value=step_s))
