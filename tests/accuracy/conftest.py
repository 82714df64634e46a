"""Replays of the real time-lapses through the daemon's own code, one for all tests of a module."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.analysis import replay
from monitor.clock import SystemClock
from monitor.settings.loading import load_settings
from monitor.source import ReplaySource
from monitor.store import Bound, TrailReader

WHOLE = Bound(max_rows=10_000_000, timeout_s=600.0)

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay's rows, as a user reads them."""

    summary: Row
    frames: list[Row]
    points: list[Row]
    trails: list[Row]
    events: list[Row]


@pytest.fixture(scope="session")
def replay_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Replayed]:
    """Replay a folder of images and read the run back."""

    def run(folder: Path, **options: object) -> Replayed:
        database = f"sqlite:///{tmp_path_factory.mktemp('replay') / 'trails.sqlite'}"
        settings = load_settings(None, {"storage": {"database": database}})
        clock = SystemClock()
        source = ReplaySource(folder, clock, **options)  # type: ignore[arg-type]  # the caller's own options
        run_id = replay(settings, source, clock, threading.Event())
        with TrailReader(database) as reader:
            views = {
                name: list(reader.view(name, run_id, WHOLE).records())
                for name in ("run_summary", "frame_log", "growth_history", "trail_summary", "event_log")
            }
        return Replayed(
            views["run_summary"][0],
            views["frame_log"],
            views["growth_history"],
            views["trail_summary"],
            views["event_log"],
        )

    return run
