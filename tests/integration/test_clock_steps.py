"""The machine's time of day is set by hours, and the machine sleeps, while both processes run."""

from __future__ import annotations

import itertools
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.integration.live_station import LiveStation

HERE = Path(__file__).parent
HOUR_S = 3600
LATE_S = 20.0
"""A busy machine may leave so much between two frames."""


class MovedClock:
    """What the processes' clocks are ahead of the machine's."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("clocks are moved with a small C library: apt-get install gcc libc6-dev")
        library = folder / "stepping_clock.so"
        flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run([compiler, *flags, "-o", library, HERE / "stepping_clock.c", "-ldl"], check=True)
        self._file = folder / "moved"
        self.set()
        monkeypatch.setenv("LD_PRELOAD", str(library))  # for the processes that are started from here on
        monkeypatch.setenv("MOVED_CLOCK", str(self._file))

    def set(self, time_of_day_s: int = 0, boottime_s: int = 0) -> None:
        content = struct.pack("<qq", time_of_day_s * 10**9, boottime_s * 10**9)
        if self._file.exists():
            with self._file.open("r+b", buffering=0) as file:
                file.write(content)
        else:
            self._file.write_bytes(content)


def install_camera(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The camera as a package that is installed; its settings."""
    card = folder / "wall_camera-1.dist-info"
    card.mkdir(parents=True)
    (card / "METADATA").write_text("Metadata-Version: 2.1\nName: wall-camera\nVersion: 1\n")
    (card / "entry_points.txt").write_text("[crystal_monitor.cameras]\nwall = wall_camera:WallCamera\n")
    shutil.copy(HERE / "wall_camera.py", folder)
    paths = [str(folder), str(HERE.parents[1])]
    monkeypatch.setenv("PYTHONPATH", ":".join(paths))
    return {"kind": "plugin", "name": "wall"}


Move = Callable[[MovedClock], None]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("moves", "steps_s", "gap_s"),
    [
        ([(2 * HOUR_S, 0), (-3 * HOUR_S, 0)], [2 * HOUR_S, -5 * HOUR_S], 0),
        ([(8 * HOUR_S, 8 * HOUR_S)], [], 8 * HOUR_S),
    ],
    ids=["set forward and back", "a night of sleep"],
)
def test_clocks(
    moves: list[tuple[int, int]],
    steps_s: list[int],
    gap_s: int,
    short_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    camera = install_camera(tmp_path / "package", monkeypatch)
    clock = MovedClock(tmp_path, monkeypatch)
    began = time.monotonic()
    with LiveStation(short_folder, camera=camera, alerts={"sinks": []}) as station:
        station.wait_for_frames(5)
        for move in moves:
            clock.set(*move)
            station.wait_for_frames(8)
        processes = [station.process_id(name) for name in ("grab", "analyze")]
        station.wait_for_frames(2)
        assert [station.process_id(name) for name in ("grab", "analyze")] == processes
    lasted_s = time.monotonic() - began
    rows = station.rows("SELECT status, elapsed_s, captured_at FROM frame_log ORDER BY frame_index")
    assert {row["status"] for row in rows} == {"ok"}, "no frame was turned away for its time"
    gaps_s = [after["elapsed_s"] - before["elapsed_s"] for before, after in itertools.pairwise(rows)]
    assert min(gaps_s) > 0
    assert sum(gaps_s) < lasted_s + gap_s + 1
    long_gaps_s = [gap for gap in gaps_s if gap > LATE_S]
    assert [round(gap / HOUR_S) for gap in long_gaps_s] == ([gap_s // HOUR_S] if gap_s else [])

    shown = [datetime.fromisoformat(row["captured_at"]) for row in rows]
    jumps_s = [(after - before).total_seconds() for before, after in itertools.pairwise(shown)]
    assert sum(abs(jump) > HOUR_S for jump in jumps_s) == len(moves), "the control: the time of day did jump"
    events = station.rows(
        "SELECT message, value FROM event_log WHERE kind = 'clock_stepped' ORDER BY event_id"
    )
    assert [round(event["value"]) for event in events] == pytest.approx(steps_s, abs=2)
    for event, step_s in zip(events, steps_s, strict=True):
        assert ("set forward by" if step_s > 0 else "set back by") in event["message"]
    assert len(station.rows("SELECT run_id FROM run_summary")) == 1
