"""What the processes and files of a station weigh, sampled beside it: memory, descriptors, threads, time, log."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.soak.station import Station

PERIOD_S = 0.25
"""How often the write-ahead log is looked at, seconds."""
_EVERY = 8
"""Processes are looked at every so many periods: their memory maps take the kernel some time."""
_KIB = 1024
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Weight:
    """One process at one moment."""

    at_s: float
    """CLOCK_BOOTTIME."""
    frames: int
    """Frames given by then."""
    role: str
    pid: int
    rss: int
    """Resident memory, bytes."""
    pss: int
    """The same, shared pages divided by those who share them, bytes."""
    own: int
    """Pages of its own that no file backs, bytes."""
    descriptors: int
    threads: int
    cpu_s: float
    """Time on a processor so far."""
    known_s: float
    """Time on a processor that a known piece of work took at this moment: what other work does to the machine."""


class Census(threading.Thread):
    """Samples until it is stopped; every sample is a line of `census.jsonl` at once."""

    def __init__(self, station: Station) -> None:
        super().__init__(name="census", daemon=True)
        self._station = station
        self._stop_event = threading.Event()
        self.weights: list[Weight] = []
        self.largest_wal = 0
        """Bytes."""
        self.wal_by_frames: list[tuple[int, int]] = []
        """Frames given, bytes of the log."""

    def run(self) -> None:
        turn = 0
        with (self._station.folder / "census.jsonl").open("w", encoding="ascii") as file:
            while not self._stop_event.wait(PERIOD_S):
                self._look_at_log()
                turn += 1
                if turn % _EVERY:
                    continue
                known_s = known_work_s()
                for role, pid in self._station.processes().items():
                    weight = weigh(role, pid, self._station.chronicle.given, known_s)
                    if weight is not None:
                        self.weights.append(weight)
                        file.write(json.dumps(asdict(weight)) + "\n")
                file.flush()

    def stop(self) -> None:
        """End the thread."""
        self._stop_event.set()
        self.join()

    def _look_at_log(self) -> None:
        wal = self._station.database.with_name(self._station.database.name + "-wal")
        try:
            size = wal.stat().st_size
        except OSError:
            return
        self.largest_wal = max(self.largest_wal, size)
        self.wal_by_frames.append((self._station.chronicle.given, size))


def known_work_s() -> float:
    """Do a fixed piece of work, half Python and half numpy; processor time of this thread, seconds (some 0.01)."""
    begun_s = time.thread_time()
    counts: dict[int, tuple[int, int]] = {}
    for number in range(20_000):
        counts[number % 997] = (number, len(counts))
    np.sort(np.cos(np.arange(100_000.0)))
    return time.thread_time() - begun_s


def weigh(role: str, pid: int, frames: int, known_s: float) -> Weight | None:
    """What the process weighs now; None for one that has gone."""
    folder = Path(f"/proc/{pid}")
    try:
        sizes = _table(folder / "smaps_rollup")
        status = _table(folder / "status")
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        descriptors = len(list((folder / "fd").iterdir()))
        return Weight(
            at_s=time.clock_gettime(time.CLOCK_BOOTTIME),
            frames=frames,
            role=role,
            pid=pid,
            rss=_KIB * sizes["Rss"],
            pss=_KIB * sizes["Pss"],
            own=_KIB * sizes["Anonymous"],
            descriptors=descriptors,
            threads=status["Threads"],
            cpu_s=(int(fields[11]) + int(fields[12])) * _TICK_S,
            known_s=known_s,
        )
    except (OSError, KeyError, IndexError):
        return None


def _table(path: Path) -> dict[str, int]:
    rows = [line.split() for line in path.read_text().splitlines()]
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
