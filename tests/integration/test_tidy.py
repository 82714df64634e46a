"""`tidy` on the command line, beside the daemon and without it; and a file that stays the same size over months."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.records import Alert, AlertKind
from monitor.records.delivery import Subscription
from monitor.records.run import RunEnded
from monitor.settings.retention import RetentionSettings
from monitor.store import Flood, TrailReader, open_store
from tests import trail_results as made

PROJECT = Path(__file__).resolve().parents[2]
DAY_S = 86_400.0


def command(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(  # noqa: PLW1510  # the exit code is what is tested
        [sys.executable, "-m", "monitor.cli", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def one_day(database: Path, day: int, frames: int = 200, crystals: int = 15) -> None:
    """An experiment of that day, pressed into a few frames."""
    store = open_store(str(database), "NORMAL")
    began = made.at(day * DAY_S)
    run = store.start_run(made.run_start(f"day {day}", started=began, epoch=began))
    for index in range(frames):
        store.append(run, made.growing(index, crystals))
    store.record(run, RunEnded(began.after(frames)))
    store.close()


@pytest.mark.timeout(120)
def test_a_dry_run_tells_what_the_command_then_does(tmp_path: Path) -> None:
    database = tmp_path / "trails.sqlite"
    one_day(database, 0)
    before = database.stat().st_size
    options = ("--database", f"sqlite:///{database}", "--full-points-days", "0", "--json")
    daemon = open_store(str(database))
    (would,) = json.loads(command("tidy", "--dry-run", *options))["runs"]
    assert "already written by another process" in command("tidy", *options, code=2)
    daemon.close()
    assert database.stat().st_size == before
    did = json.loads(command("tidy", "--compact", *options))
    assert did["runs"] == [would]
    assert would["points_removed"] > would["points"] / 2
    assert did["bytes_before_and_after"][1] == database.stat().st_size < before / 2
    assert open_store(str(database)).close() is None
    with TrailReader(str(database)) as reader:
        assert len(reader.view("growth_history")) == would["points"] - would["points_removed"]
        assert set(reader.view("trail_summary").column("points")) == {199}
    assert "nothing says what to tidy" in command("tidy", "--database", str(database), code=2)


def test_frames_that_go_are_told(tmp_path: Path) -> None:
    database = tmp_path / "trails.sqlite"
    store = open_store(str(database))
    run = store.start_run(made.run_start())
    for index in range(50):
        store.append(run, made.result(index))
    store.record(run, RunEnded(made.at(50)))
    store.close()
    config = tmp_path / "station.toml"
    config.write_text(
        f'[storage]\ndatabase = "sqlite:///{database}"\n'
        "[storage.retention]\nfull_points_days = 0\nframes_every_s = 10\n"
    )
    options = ("tidy", "--config", str(config))
    assert "run 1 (salt): would be thinned, 0 of 0 points (0%) and 44 frames would go" in command(
        *options, "--dry-run"
    )
    (would,) = json.loads(command(*options, "--dry-run", "--json"))["runs"]
    assert would["frames_removed"] == 44
    assert "run 1 (salt): thinned, 0 of 0 points (0%) and 44 frames gone" in command(*options)
    with TrailReader(str(database)) as reader:
        assert len(reader.view("frame_log")) == 50 - 44


def test_a_run_that_waits_for_its_alerts_is_named(tmp_path: Path) -> None:
    database = tmp_path / "trails.sqlite"
    store = open_store(str(database))
    store.open_outbox(SystemClock(), "station", [Subscription("hook", summarise=False)], Flood(0, 60.0))
    run = store.start_run(made.run_start())
    told = Alert("many", AlertKind.COUNT, True, "7 crystals", 7.0, 5.0)
    store.append(run, dataclasses.replace(made.growing(0, 2), alerts=(told,)))
    store.record(run, RunEnded(made.at(1)))
    store.close()
    said = command("tidy", "--runs-days", "0", "--database", f"sqlite:///{database}")
    assert (
        "run 1 (salt): due for removal, but 1 of its alerts have not reached their sinks: start the station"
        in said
    )
    with TrailReader(str(database)) as reader:
        assert len(reader.view("run_summary")) == 1


@pytest.mark.timeout(120)
def test_the_file_of_a_station_stays_the_same_size_over_months(tmp_path: Path) -> None:
    """Sixty daily runs: with retention the size of the first weeks is that of the last."""
    database = tmp_path / "trails.sqlite"
    wanted = RetentionSettings(full_points_days=2, runs_days=14)
    sizes = []
    for day in range(60):
        one_day(database, day, frames=50)
        store = open_store(str(database), "NORMAL")
        for _ in store.tidy(wanted, made.at((day + 1) * DAY_S)):
            pass
        store.close()
        sizes.append(database.stat().st_size)
    assert sizes[9] > 1.5 * sizes[1], "the control: it grows until the first run is due"
    assert max(sizes) <= 1.1 * max(sizes[:20]), sizes
    with TrailReader(str(database)) as reader:
        assert len(reader.view("run_summary")) == 14
        assert len(reader.view("tidying_log")) == 60 - 2 + 60 - 14
