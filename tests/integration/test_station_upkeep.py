"""Retention and backup beside a whole station: old runs thinned and removed, copies made, and no frame missed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.records.run import RunEnded
from monitor.store import check_database, open_store
from tests import trail_results as made
from tests.integration.live_station import LiveStation
from tests.integration.test_tidy import command

DAY_S = 86_400.0
LEDGER = "SELECT sent - considered - lost - superseded AS unaccounted FROM session_log WHERE run_id = ?"


def old_run(database: Path, name: str, days_ago: float, frames: int) -> int:
    """An experiment of that time, whose last half is empty."""
    store = open_store(str(database), "NORMAL")
    began = SystemClock().now().after(-days_ago * DAY_S)
    run = store.start_run(made.run_start(name, started=began, epoch=began))
    for index in range(frames):
        store.append(run, made.growing(index, 15) if index < frames // 2 else made.result(index))
    store.record(run, RunEnded(began.after(frames)))
    store.close()
    return run.run_id


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_station_thins_removes_and_is_copied_while_it_runs(short_folder: Path) -> None:
    database = short_folder / "trails.sqlite"
    thinned = old_run(database, "ten days old", 10, 240)
    removed = old_run(database, "forty days old", 40, 40)
    retention = {"full_points_days": 1, "runs_days": 30, "frames_every_s": 60}
    copies = short_folder / "copies"
    copies.mkdir()
    address = ("--database", f"sqlite:///{database}")
    with LiveStation(short_folder, camera={"frames_per_s": 3.0}, storage={"retention": retention}) as station:
        station.until(
            lambda: station.rows("SELECT * FROM run_summary WHERE ended_at IS NULL"), "the run to open"
        )
        analysis = station.process_id("analyze")
        refused = command("tidy", "--full-points-days", "1", *address, code=2)
        assert "already written by another process" in refused
        done = "SELECT * FROM tidying_log WHERE run_id IN (?, ?)"
        while True:
            command("backup", str(copies), *address)
            seen = len(station.rows(done, thinned, removed))
            station.wait_for_frames(2)
            if seen == 2:
                break
        assert station.process_id("analyze") == analysis, "the control: it was never started anew"
        (run,) = station.rows("SELECT run_id, frames_lost FROM run_summary WHERE ended_at IS NULL")
        assert station.rows("SELECT kind FROM event_log WHERE kind LIKE 'storage%'") == []
    actions = {row["run_id"]: row["action"] for row in station.rows(done, thinned, removed)}
    assert actions == {thinned: "thinned", removed: "removed"}
    assert run["frames_lost"] == 0, "none was missed for the upkeep"
    (old,) = station.rows("SELECT * FROM run_summary WHERE run_id = ?", thinned)
    assert old["frames_ok"] == 240
    assert old["frames_thinned"] > 60, "the control: frames went"
    for run_id in (thinned, run["run_id"]):
        assert [row["unaccounted"] for row in station.rows(LEDGER, run_id)] == [0]
    assert check_database(str(database)).whole
    frames = committed(database, run["run_id"])
    for copy in sorted(copies.glob("*.sqlite")):
        then = committed(copy, run["run_id"])
        assert then == frames[: len(then)], "a copy is one moment of the store"
        with closing(sqlite3.connect(copy)) as connection:
            assert {row[0] for row in connection.execute(LEDGER, (run["run_id"],))} <= {0}


def committed(database: Path, run_id: int) -> list[tuple[object, ...]]:
    """The run's frames with their points, in order of commit."""
    asked = (
        "SELECT fr.frame_id, fr.frame_index, fr.total_area_px, COUNT(p.crystal_id) FROM frame fr "
        "JOIN field f ON f.field_id = fr.field_id LEFT JOIN point p ON p.frame_id = fr.frame_id "
        "WHERE f.run_id = ? GROUP BY fr.frame_id ORDER BY fr.frame_id"
    )
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(asked, (run_id,)).fetchall()
