"""`python -m tests.integration.alert_station CONFIG`: the real analysis, store, outbox and sinks, with alerts at will.

Two fields by turns, 20 frames a second. While the file FOLDER/quiet is not there, the engine fails in every second
frame of a field: the rule `engine` fires, and clears with the next one.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import Segmentation, load_card
from engine.errors import BackendError
from engine.lineup.change import EngineCondition
from monitor.analysis import open_analysis
from monitor.clock import SystemClock
from monitor.service.lifetime import stop_on_signals
from monitor.settings.loading import load_settings
from tests.scripted_analysis import Nothing, ScriptedSource, Step, frame

FIELDS = ("A1", "A2")
INTERVAL_S = 0.05
WORKS = EngineCondition(degraded=False, message="the engine works")


class Failing(Nothing):
    """Sees an empty field, or fails."""

    def __init__(self, quiet: Path) -> None:
        self._quiet = quiet
        self._turns = dict.fromkeys(FIELDS, 0)
        self.card = load_card("default")
        self.describe = "nothing"

    def segment(
        self,
        image: NDArray[np.uint8] | NDArray[np.uint16],
        *,
        stream: str = "main",
        at_s: float | None = None,
    ) -> Segmentation:
        self._turns[stream] += 1
        if self._turns[stream] % 2 and not self._quiet.exists():
            raise BackendError("the engine fails on purpose")
        return replace(super().segment(image, stream=stream, at_s=at_s), condition=WORKS)


def frames(stop: threading.Event) -> Iterator[Step]:
    clock, session, index = SystemClock(), uuid.uuid4().hex, 0
    while not stop.is_set():
        for field in FIELDS:
            yield frame(index, clock.now(), field, session)
            index += 1
            time.sleep(INTERVAL_S)


class AlertStation:
    """The process, for a test."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.integration.alert_station", str(self._config)]
        with (self._config.parent / "station.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=log, stderr=log)

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        self._process.kill()
        self._process.wait()

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def end(self) -> None:
        """Kill it if it runs: whatever became of the test."""
        if self.runs:
            self.kill()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def log(self) -> str:
        return (self._config.parent / "station.log").read_text()[-5000:]


if __name__ == "__main__":
    settings = load_settings(Path(sys.argv[1]))
    ended = stop_on_signals()
    source = ScriptedSource(frames(ended))
    engine = Failing(Path(sys.argv[1]).parent / "quiet")
    with open_analysis(settings, SystemClock(), source=source, segmenter=engine) as analysis:  # type: ignore[arg-type]
        analysis.loop.run(ended)
