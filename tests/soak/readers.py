"""Readers that are slow, as people and scripts are: each is a real process whose output is taken little by little."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
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

    def __init__(self, name: str, command: Callable[[], Sequence[str] | None], station: Station) -> None:
        """`command` gives the question, or None while there is nothing to ask about."""
        super().__init__(name=name, daemon=True)
        self._command = command
        self._station = station
        self._stop_event = threading.Event()
        self._chance = random.Random(name)
        self.told = Told(name)

    def run(self) -> None:
        while not self._stop_event.wait(self._chance.uniform(*PAUSE_S)):
            command = self._command()
            if command is not None:
                self._ask(command)

    def stop(self) -> None:
        """Let the question in hand be answered, and ask no more."""
        self._stop_event.set()
        self.join()

    def _ask(self, command: Sequence[str]) -> None:
        with subprocess.Popen(
            command,
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

    def growth() -> Sequence[str] | None:
        crystal = _some_crystal(station.database)
        if crystal is None:
            return None
        return [*command_line, "growth", *map(str, crystal), "--json", "--database", database]

    def always(*command: str) -> Callable[[], Sequence[str]]:
        return lambda: command

    questions: dict[str, Callable[[], Sequence[str] | None]] = {
        "growth": growth,
        "trails": always(*command_line, "trails", "last", "--json", "--database", database),
        "python": always(sys.executable, "-m", "tests.soak.slow_cursor", str(station.database)),
    }
    if shutil.which("sqlite3"):
        questions["sqlite3"] = always("sqlite3", "-readonly", str(station.database), _SQL)
    return [SlowReader(name, command, station) for name, command in questions.items()]


def _some_crystal(database: Path) -> tuple[int, int] | None:
    """Run and number of the first crystal of the newest run that has one; None: there is none yet.

    Which number the first one has, and when it comes, is the weights' to say.
    """
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        question = (
            "SELECT run_id, MIN(crystal_id) FROM trail_summary GROUP BY run_id ORDER BY run_id DESC LIMIT 1"
        )
        found: tuple[int, int] | None = connection.execute(question).fetchone()
    return found
