"""Readers that are slow, as people and scripts are: each is a real process whose output is taken little by little."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from tests.soak.station import Station

HELD_S = 4.0
"""How long a reader is kept waiting in the middle of its answer, its snapshot of the database held, seconds."""
PAUSE_S = (2.0, 6.0)
"""Between two questions of one reader, at least and at most, seconds."""
_PIECE = 4096
_SQL = "SELECT * FROM growth_history WHERE run_id = (SELECT MAX(run_id) FROM run) LIMIT 5000"
"""Bounded: what takes longer than `HELD_S` would pin the log for longer as well, and it is as long as that lasts."""


@dataclass
class Told:
    """What one reader was told so far."""

    name: str
    questions: int = 0
    characters: int = 0
    failures: int = 0
    last_error: str = ""


class SlowReader(threading.Thread):
    """Asks one question again and again, and takes the answer slowly at first: the process stands in a full pipe."""

    def __init__(self, name: str, command: Sequence[str], station: Station) -> None:
        super().__init__(name=name, daemon=True)
        self._command = command
        self._station = station
        self._stop_event = threading.Event()
        self._chance = random.Random(name)
        self.told = Told(name)

    def run(self) -> None:
        while not self._stop_event.wait(self._chance.uniform(*PAUSE_S)):
            self._ask()

    def stop(self) -> None:
        """Let the question in hand be answered, and ask no more."""
        self._stop_event.set()
        self.join()

    def _ask(self) -> None:
        with subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._station.environment,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            self.told.characters += self._take(process.stdout)
            error = process.stderr.read().decode(errors="replace")
        if self._stop_event.is_set():
            return  # it may have been asked after the station's end
        self.told.questions += 1
        if process.returncode:
            self.told.failures += 1
            self.told.last_error = error[-500:]

    def _take(self, answer: IO[bytes]) -> int:
        taken, begun_s = 0, 0.0
        while piece := answer.read1(_PIECE):  # type: ignore[attr-defined]
            begun_s = begun_s or time.monotonic()
            taken += len(piece)
            if time.monotonic() - begun_s < HELD_S:
                self._stop_event.wait(0.1)
        return taken


def slow_readers(station: Station) -> list[SlowReader]:
    """The command line twice, the `sqlite3` shell where there is one, and a script in Python."""
    database = f"sqlite:///{station.database}"
    command_line = [sys.executable, "-m", "monitor.cli"]
    commands = {
        "growth": [*command_line, "growth", "last", "1", "--json", "--database", database],
        "trails": [*command_line, "trails", "last", "--json", "--database", database],
        "python": [sys.executable, "-m", "tests.soak.slow_cursor", str(station.database)],
    }
    if shutil.which("sqlite3"):
        commands["sqlite3"] = ["sqlite3", "-readonly", str(station.database), _SQL]
    return [SlowReader(name, command, station) for name, command in commands.items()]
