"""What the soak's camera did, written by itself into mapped files that outlive any kill: the truth for the ledger."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_MARGIN = 10_000
"""Frames that a killed grabber had yielded beyond those asked for; never near this many."""


@dataclass(frozen=True, slots=True)
class SentBy:
    """What one session's camera gave."""

    session: str
    frames: int


class Chronicle:
    """`times`: when each frame was given, CLOCK_BOOTTIME s; `counters`: frames given, moments of the film gone by."""

    def __init__(self, folder: Path, frames: int) -> None:
        """Open or make it in an existing folder, with room for `frames`."""
        self._sessions = folder / "sessions.txt"
        self.times_N = _mapped(folder / "times.bin", frames + _MARGIN, np.float64)
        self._counters = _mapped(folder / "counters.bin", 2, np.int64)

    @property
    def given(self) -> int:
        """Frames given so far, by all sessions."""
        return int(self._counters[0])

    @property
    def step(self) -> int:
        """Moments of the film that have gone by."""
        return int(self._counters[1])

    def begin(self, session: str, pause_steps: int) -> None:
        """A session begins; the experiment has gone on by `pause_steps` while there was none."""
        if self.given:
            self._counters[1] += pause_steps
        with self._sessions.open("a", encoding="ascii") as file:
            file.write(f"{session} {self.given}\n")

    def give(self, at_s: float) -> None:
        """A frame is about to be given."""
        self.times_N[self.given] = at_s
        self._counters[0] += 1
        self._counters[1] += 1

    def sent(self) -> list[SentBy]:
        """The sessions in order."""
        lines = [line.split() for line in self._sessions.read_text(encoding="ascii").splitlines()]
        firsts = [int(first) for _, first in lines] + [self.given]
        return [SentBy(line[0], firsts[place + 1] - firsts[place]) for place, line in enumerate(lines)]

    def intervals_s(self) -> NDArray[np.float64]:
        """Seconds from each frame to the next, in the order in which they were given."""
        intervals: NDArray[np.float64] = np.diff(self.times_N[: self.given])
        return intervals


def _mapped(path: Path, count: int, kind: type) -> NDArray[np.generic]:
    size = count * np.dtype(kind).itemsize
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(file).st_size < size:
            os.ftruncate(file, size)
        return np.frombuffer(mmap.mmap(file, size), kind)
    finally:
        os.close(file)
