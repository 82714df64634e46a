"""What a camera gave between two runs, with the analysis down, stands in the ledger: nothing missed, nothing twice."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tomli_w

from monitor.analysis import NewRun, ask_daemon
from tests.integration.command_line import run, start
from tests.integration.database_rows import rows
from tests.integration.live_station import PATIENCE_S, station_tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def until(question: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not question():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


class Halves:
    """Grabber and analysis without a supervisor, so that each is down for as long as the test says."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self.config = folder / "station.toml"
        self.configure({})

    def configure(self, changes: dict[str, Any]) -> None:
        self.config.write_text(tomli_w.dumps({**station_tree(self.folder), **changes}), encoding="utf-8")

    def replay(self) -> str:
        """Replay an image into the station's database; the session that this left there."""
        images = self.folder / "images"
        images.mkdir()
        assert cv2.imwrite(str(images / "a.png"), np.full((64, 64), 128, np.uint8))
        said = run(
            self.folder, "replay", images, "--config", self.config, "--interval-s", "1", "--name", "replay"
        )
        assert said.code == 0, said.error
        last = self.rows("SELECT session FROM grabber_session ORDER BY session_id DESC LIMIT 1")
        return str(last[0]["session"])

    def start(self, command: str) -> subprocess.Popen[str]:
        process = self._stack.enter_context(start(self.folder, command, self.config))
        self._stack.callback(process.kill)
        return process

    def grab(self) -> tuple[subprocess.Popen[str], str]:
        """A grabber that has given some frames, and its session."""
        before = self.grabbed()[0]
        process = self.start("grab")
        until(lambda: self.grabbed()[0] != before and self.grabbed()[1] >= 3, "frames of a session")
        return process, self.grabbed()[0]

    def grabbed(self) -> tuple[str, int]:
        """The session, and its last number."""
        path = self.folder / "frames.ipc.session"
        if not path.exists() or not path.stat().st_size:
            return "", -1
        session, last = struct.unpack_from("<32sq", path.read_bytes())
        return session.decode("ascii", "replace"), last

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return rows(self.folder / "trails.sqlite", sql)

    def frames(self, run_name: str) -> int:
        found = self.rows(f"SELECT SUM(frames_ok) AS ok FROM run_summary WHERE name = '{run_name}'")
        return int(found[0]["ok"] or 0) if found else 0

    def accounted(self, session: str) -> list[int]:
        """Every number of the session in the ledger, rising; one that stands there twice is here twice."""
        considered = self.rows(
            f"SELECT frame_index FROM frame JOIN grabber_session USING (session_id) WHERE session = '{session}'"
        )
        lost = self.rows(f"SELECT first_index, last_index FROM frame_loss WHERE session = '{session}'")
        numbers = [int(row["frame_index"]) for row in considered]
        for gap in lost:
            numbers += range(gap["first_index"], gap["last_index"] + 1)
        return sorted(numbers)


@pytest.fixture
def halves(short_folder: Path) -> Iterator[Halves]:
    with ExitStack() as stack:
        yield Halves(short_folder, stack)


@pytest.mark.parametrize(
    ("analysis_dies", "renamed_and_replayed"), [(True, False), (True, True), (False, False)]
)
def test_what_was_given_between_two_runs_is_accounted_for(
    halves: Halves, *, analysis_dies: bool, renamed_and_replayed: bool
) -> None:
    analysis = halves.start("analyze")
    grabber, first = halves.grab()
    until(lambda: halves.frames("the run") >= 3, "frames of the first run")
    os.kill(grabber.pid, signal.SIGSTOP)
    endpoint = f"ipc://{halves.folder}/control.ipc"
    told: list[str | None] = []
    until(lambda: told.append(ask_daemon(endpoint, NewRun(name="next"), 60.0)) or told[-1], "new-run")
    if analysis_dies:
        analysis.kill()
        analysis.wait()
    last = {first: halves.grabbed()[1]}
    assert halves.rows("SELECT run_id FROM run_summary WHERE ended_at IS NULL") == [], (
        "the control: none is open"
    )
    if analysis_dies:
        os.kill(grabber.pid, signal.SIGCONT)
        until(lambda: halves.grabbed()[1] > last[first] + 3, "frames that nobody hears of")
    grabber.kill()
    grabber.wait()
    last[first] = halves.grabbed()[1]
    if analysis_dies:
        missed, session = halves.grab()
        missed.kill()
        missed.wait()
        last[session] = halves.grabbed()[1]
        assert halves.accounted(session) == [], "the control: it was not heard of"
    assert len(halves.accounted(first)) <= last[first] + 1
    if renamed_and_replayed:
        halves.configure({"name": "another"})
        assert halves.replay() not in last, "the control: the newest session is none of the grabber's"

    grabber, current = halves.grab()
    if analysis_dies:
        analysis = halves.start("analyze")
    name = "the run" if analysis_dies else "next"  # a name that was given dies with the analysis that took it
    runs = f"SELECT run_id FROM run_summary WHERE name = '{name}' AND ended_at IS NULL"
    until(lambda: halves.rows(runs), "the next run")
    grabber.terminate()
    assert grabber.wait(PATIENCE_S) == 0
    last[current] = halves.grabbed()[1]
    until(lambda: len(halves.accounted(current)) > last[current], "the grabber's last word")
    analysis.terminate()
    assert analysis.wait(PATIENCE_S) == 0
    for session, last_index in last.items():
        assert halves.accounted(session) == list(range(last_index + 1)), session
    later = halves.rows(f"SELECT MAX(run_id) AS run_id FROM run_summary WHERE name = '{name}'")[0]["run_id"]
    if analysis_dies:
        unknown = halves.rows(
            f"SELECT DISTINCT session FROM frame_loss WHERE run_id = {later} AND reason = 'unknown'"
        )
        assert {row["session"] for row in unknown} >= last.keys() - {current}
