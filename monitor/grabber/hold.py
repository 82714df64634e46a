"""Where frames wait between the camera's thread and the socket's: one class per stream policy."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from monitor.frame import FailedFrame, Frame
from monitor.settings.stream import StreamPolicy, StreamSettings


@dataclass(frozen=True, slots=True, eq=False)
class Grabbed:
    """A frame as it came out of the camera."""

    frame: Frame | FailedFrame
    """The frame, or what failed."""
    boottime_ns: int
    """When it came, real CLOCK_BOOTTIME."""


class Hold(Protocol):
    """Holds what is to be served. `put` on the camera's thread, all else on the socket's."""

    def put(self, grabbed: Grabbed) -> bool:
        """Take a frame in, waiting for room where the policy says so; False where it is closed: no more
        then."""

    def after(self, index: int) -> Grabbed | None:
        """The frame for a listener that is done with `index` and all before; None while there is none."""

    def drop(self, index: int) -> None:
        """Never serve that frame again: the listener cannot read it."""

    def drained(self) -> bool:
        """Whether nothing waits that must be served before the session may end."""

    def close(self) -> None:
        """No frame goes in any more."""


class LatestHold:
    """Keeps the newest frame alone. `put` never waits, so the camera runs free of any listener."""

    def __init__(self) -> None:
        """Empty."""
        self._lock = threading.Lock()
        self._newest: Grabbed | None = None
        self._closed = False
        self._served = True

    def put(self, grabbed: Grabbed) -> bool:
        """See `Hold`."""
        with self._lock:
            self._newest = grabbed
            self._served = False
            return not self._closed

    def after(self, index: int) -> Grabbed | None:
        """See `Hold`."""
        with self._lock:
            newest = self._newest
            if newest is None:
                return None
            if newest.frame.frame_index <= index:
                self._served = True
                return None
            return newest

    def drop(self, index: int) -> None:
        """See `Hold`."""
        with self._lock:
            if self._newest is not None and self._newest.frame.frame_index == index:
                self._newest = None
                self._served = True

    def drained(self) -> bool:
        """See `Hold`."""
        with self._lock:
            return self._served

    def close(self) -> None:
        """See `Hold`."""
        with self._lock:
            self._closed = True


class LosslessHold:
    """Keeps every frame until a listener is done with it; while it is full, the camera waits."""

    def __init__(self, depth: int) -> None:
        """`depth`: frames that it has room for."""
        self._room = threading.Condition()
        self._waiting: deque[Grabbed] = deque()
        self._depth = depth
        self._closed = False

    def put(self, grabbed: Grabbed) -> bool:
        """See `Hold`."""
        with self._room:
            self._room.wait_for(lambda: len(self._waiting) < self._depth or self._closed)
            # The frame that was waiting when the hold was closed has its number already: it is kept as well.
            self._waiting.append(grabbed)
            return not self._closed

    def after(self, index: int) -> Grabbed | None:
        """See `Hold`."""
        with self._room:
            while self._waiting and self._waiting[0].frame.frame_index <= index:
                self._waiting.popleft()
                self._room.notify_all()
            return self._waiting[0] if self._waiting else None

    def drop(self, index: int) -> None:
        """See `Hold`."""
        with self._room:
            if self._waiting and self._waiting[0].frame.frame_index == index:
                self._waiting.popleft()
                self._room.notify_all()

    def drained(self) -> bool:
        """See `Hold`."""
        with self._room:
            return not self._waiting

    def close(self) -> None:
        """See `Hold`."""
        with self._room:
            self._closed = True
            self._room.notify_all()


def make_hold(settings: StreamSettings) -> Hold:
    """The hold of a stream's policy."""
    match settings.policy:
        case StreamPolicy.LATEST:
            return LatestHold()
        case StreamPolicy.LOSSLESS:
            return LosslessHold(settings.lossless_depth)
