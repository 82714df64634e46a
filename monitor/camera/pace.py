"""Waiting that a `close` cuts short, and a limit on the number of frames per second."""

from __future__ import annotations

import threading

from monitor.clock import NANOSECONDS_PER_SECOND, Clock

_LONGEST_WAIT_S = 0.1


class Pace:
    """Waits for moments of real time. `stop` may be called from any thread."""

    def __init__(self, clock: Clock, frames_per_s: float | None = None) -> None:
        """`frames_per_s`: the limit; None for none."""
        self._clock = clock
        self._period_ns = round(NANOSECONDS_PER_SECOND / frames_per_s) if frames_per_s else 0
        self._next_ns: int | None = None
        self._stopped = threading.Event()

    def is_stopped(self) -> bool:
        """Whether `stop` was called since `restart`. A method: it changes between two looks."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Cut all waiting short."""
        self._stopped.set()

    def restart(self) -> None:
        """Begin anew."""
        self._next_ns = None
        self._stopped.clear()

    def wait(self, seconds: float) -> bool:
        """Wait `seconds`; False if stopped meanwhile."""
        return self.wait_until(self._now_ns() + round(seconds * NANOSECONDS_PER_SECOND))

    def wait_until(self, boottime_ns: int) -> bool:
        """Wait for that CLOCK_BOOTTIME; False if stopped meanwhile."""
        while not self._stopped.is_set():
            remaining_s = (boottime_ns - self._now_ns()) / NANOSECONDS_PER_SECOND
            if remaining_s <= 0:
                return True
            self._clock.sleep(min(remaining_s, _LONGEST_WAIT_S))
        return False

    def wait_turn(self) -> bool:
        """Wait until the next frame may go out under the limit; False if stopped meanwhile."""
        if self._period_ns:
            now_ns = self._now_ns()
            due_ns = now_ns if self._next_ns is None else self._next_ns
            if not self.wait_until(due_ns):
                return False
            # A late frame does not earn a burst of early ones.
            self._next_ns = max(due_ns, now_ns - self._period_ns) + self._period_ns
        return not self._stopped.is_set()

    def _now_ns(self) -> int:
        boottime_ns = self._clock.now().boottime_ns
        assert boottime_ns is not None, "a camera's clock must measure CLOCK_BOOTTIME"
        return boottime_ns
