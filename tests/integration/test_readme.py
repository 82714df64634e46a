"""What the README prints is true: its SQL runs as printed in the plain sqlite3 shell, its words are the enums'."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from pathlib import Path

import cv2
import pytest

from monitor.analysis import replay
from monitor.cli.group import CommandGroup
from monitor.clock import SystemClock
from monitor.records import BirthKind, EndReason, EventKind, FrameStatus, Habit, RejectReason, RunState
from monitor.service.simulated_run import preset
from monitor.settings.loading import load_settings
from monitor.simulation import SimulatedMicroscope
from monitor.source import ReplaySource

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"\*\*(.+?)\*\*\n\n```sql\n(.+?)```", README, flags=re.DOTALL)

START_S = 420.0
"""By then some crystals have appeared: crystal 1 is there from the first frame on, and others are yet to come."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 24 simulated frames, half a minute apart, through the daemon's own code."""
    folder = tmp_path_factory.mktemp("readme")
    microscope = SimulatedMicroscope(preset("demo", 3))
    images = folder / "frames"
    images.mkdir()
    for number in range(24):
        cv2.imwrite(str(images / f"f{number:03d}.png"), microscope.render_only(START_S + 30.0 * number))
    path = folder / "trails.sqlite"
    settings = load_settings(None, {"storage": {"database": f"sqlite:///{path}"}})
    source = ReplaySource(images, SystemClock(), interval_s=30.0, um_per_px=preset("demo", 3).um_per_px)
    replay(settings, source, SystemClock(), threading.Event())
    return path


def test_there_are_five_questions() -> None:
    assert len(QUESTIONS) == 5


@pytest.mark.parametrize(("question", "sql"), QUESTIONS, ids=[question for question, _ in QUESTIONS])
def test_a_question_is_answered_in_the_plain_shell(question: str, sql: str, database: Path) -> None:
    shell = shutil.which("sqlite3")
    if shell is None:
        pytest.skip("the sqlite3 shell is not installed")
    answer = subprocess.run(
        [shell, "-readonly", "-header", "-csv", str(database)],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert not answer.stderr
    assert len(answer.stdout.splitlines()) >= 2, f"{question} has no answer:\n{answer.stdout}"


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("`state`", RunState),
        ("`frame_log.status`", FrameStatus),
        ("`frame_log.reason`", RejectReason),
        ("`birth_kind`", BirthKind),
        ("`end_reason`", EndReason),
        ("`habit`", Habit),
        ("`event_log.kind`", EventKind),
    ],
)
def test_the_words_of_a_column_are_listed(column: str, words: type) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| {column} |"))
    assert re.findall(r"`(\w+)`", row.split("|")[2]) == [word.value for word in words]  # type: ignore[attr-defined]


def test_every_command_in_the_readme_exists() -> None:
    known = set(CommandGroup(name="all").list_commands(None))  # type: ignore[arg-type]  # the list needs no context
    named = set(re.findall(r"^(?:crystal-monitor) ([a-z-]+)", README, flags=re.MULTILINE))
    assert named <= known, named - known
    assert {"demo", "replay", "run"} <= known
