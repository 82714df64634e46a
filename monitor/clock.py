"""Time as the daemon knows it: UTC to tell people, CLOCK_BOOTTIME to measure with.

Within one boot, durations come from CLOCK_BOOTTIME, which no step of the wall clock changes and which counts on
through suspend; across boots they are bridged by UTC. Nothing else in `monitor` reads a clock: a `Clock` is injected.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

NANOSECONDS_PER_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment: when it was (UTC) and, where it was measured live, on which boot's clock."""

    utc_ns: int
    """UTC, nanoseconds since 1970-01-01."""
    boottime_ns: int | None = None
    """CLOCK_BOOTTIME in nanoseconds; None for a moment read from a file."""
    boot_id: str = ""
    """Identity of the boot that `boottime_ns` counts from; empty where there is none."""

    @property
    def utc(self) -> datetime:
        """The moment as an aware UTC datetime, to the microsecond."""
        return datetime.fromtimestamp(self.utc_ns / NANOSECONDS_PER_SECOND, tz=UTC)

    def seconds_since(self, earlier: Instant) -> float:
        """Seconds from `earlier` to this moment: by CLOCK_BOOTTIME within a boot, else by UTC."""
        if self.shares_boot(earlier):
            assert self.boottime_ns is not None
            assert earlier.boottime_ns is not None
            return (self.boottime_ns - earlier.boottime_ns) / NANOSECONDS_PER_SECOND
        return (self.utc_ns - earlier.utc_ns) / NANOSECONDS_PER_SECOND

    def after(self, seconds: float) -> Instant:
        """The moment so many seconds later (earlier, if negative), on the same clocks."""
        shift_ns = round(seconds * NANOSECONDS_PER_SECOND)
        boottime_ns = None if self.boottime_ns is None else self.boottime_ns + shift_ns
        return Instant(self.utc_ns + shift_ns, boottime_ns, self.boot_id)

    def shares_boot(self, other: Instant) -> bool:
        """Whether both moments were measured on the same boot's clock."""
        return (
            bool(self.boot_id)
            and self.boot_id == other.boot_id
            and self.boottime_ns is not None
            and other.boottime_ns is not None
        )


def waited_s(since: Instant, now: Instant) -> float:
    """Seconds since a moment that was; infinite where nobody can tell: in another boot, and yet to come by UTC."""
    seconds = now.seconds_since(since)
    return math.inf if seconds < 0 and not now.shares_boot(since) else seconds


class Clock(Protocol):
    """Where the daemon's processes get the time from; injected, so that tests own the time.

    Safe to call from any thread.
    """

    def now(self) -> Instant:
        """The present moment."""

    def sleep(self, seconds: float) -> None:
        """Wait `seconds`; returns at once for zero or less."""


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        """Read the boot's identity once; it cannot change."""
        self._boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()

    def now(self) -> Instant:
        """The present moment on this machine."""
        return Instant(time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), self._boot_id)

    def sleep(self, seconds: float) -> None:
        """Wait `seconds` of real time."""
        if seconds > 0:
            time.sleep(seconds)
