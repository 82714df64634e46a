"""How long a grabber has been silent while it was listened to. Pure."""

from __future__ import annotations


class SilenceWatch:
    """Adds up the time spent waiting without a sign of life; time spent on analysis is no silence."""

    def __init__(self, limit_s: float) -> None:
        """`limit_s`: seconds of waiting after which the grabber counts as silent."""
        self._limit_s = limit_s
        self.waited_s = 0.0
        """Seconds waited since the last sign of life."""
        self.silent = False
        """Whether it counts as silent."""

    def wait(self, seconds: float) -> bool:
        """Waited in vain for `seconds`; True where this makes the grabber silent."""
        self.waited_s += seconds
        if self.silent or self.waited_s <= self._limit_s:
            return False
        self.silent = True
        return True

    def hear(self) -> bool:
        """A sign of life; True where it ends a silence."""
        ended, self.silent, self.waited_s = self.silent, False, 0.0
        return ended
