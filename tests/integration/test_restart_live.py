"""An analysis that is stopped and started again in the middle of a run goes on: numbers, growth, state, alerts."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.live_station import LiveStation, Row

GROWING: dict[str, Any] = {
    "width_px": 256,
    "height_px": 256,
    "growth": {"rate_um_per_s": 0.02, "final_coverage": 0.3},
    "nucleation": {"rate_per_mm2_s": 1.0, "delay_s": 60.0, "exclusion_um": 15.0, "most_crystals": 8},
    "optics": {"out_of_focus": 0.0, "dust": 0.0},
}


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_stopped_analysis_goes_on_where_it_was(short_folder: Path) -> None:
    camera = {
        "kind": "simulated",
        "simulation": GROWING,
        "started_at": datetime.now(UTC),
        "frames_per_s": 4.0,
        "time_compression": 20.0,
    }
    with LiveStation(short_folder, camera=camera, stream={"policy": "lossless"}) as station:
        fitted = "SELECT * FROM trail_summary WHERE growth_rate_px_per_s IS NOT NULL"
        station.until(lambda: len(station.rows(fitted)) >= 2, "crystals with a growth rate")
        station.until(lambda: raised(station, "first crystal"), "the first crystal's alert")
        station.kill("analyze", signal.SIGTERM)
        before = snapshot(station)
        station.wait_for_frames(6)
        after = snapshot(station)
    assert [row["kind"] for row in after["events"]].count("run_resumed") == 1
    assert len(raised(station, "first crystal")) == 1, "the first crystal was told twice"
    assert station.rows("SELECT COUNT(*) AS n FROM run_summary") == [{"n": 1}]
    known = {row["crystal_id"]: row for row in after["trails"]}
    for trail in before["trails"]:
        again = known[trail["crystal_id"]]
        for name in ("birth_kind", "first_seen_s"):
            assert again[name] == trail[name]
    living = [
        row for row in before["trails"] if row["ended_s"] is None and row["growth_rate_px_per_s"] is not None
    ]
    assert living, "the control: crystals grew when the analysis was stopped"
    went_on = [row for row in living if known[row["crystal_id"]]["points"] > row["points"]]
    assert len(went_on) == len(living), "a crystal's trail did not go on"
    refitted = [
        row["crystal_id"] for row in living if known[row["crystal_id"]]["fit_points"] > row["fit_points"]
    ]
    assert refitted, "a growth rate went on from the points before the restart"
    states = [row["state"] for row in station.rows("SELECT state FROM frame_log ORDER BY elapsed_s")]
    assert states[len(before["frames"])] == before["frames"][-1]["state"], "the state began anew"
    assert after["frames"][: len(before["frames"])] == before["frames"]
    assert station.rows("SELECT SUM(lost) AS lost FROM session_log") == [{"lost": 0}], (
        "lossless, and nobody died"
    )


def raised(station: LiveStation, rule: str) -> list[Row]:
    return station.rows("SELECT * FROM event_log WHERE kind = 'alert_raised' AND rule = ?", rule)


def snapshot(station: LiveStation) -> dict[str, list[Row]]:
    return {
        "frames": station.rows(
            "SELECT frame_index, elapsed_s, state, count FROM frame_log ORDER BY elapsed_s"
        ),
        "trails": station.rows("SELECT * FROM trail_summary ORDER BY crystal_id"),
        "events": station.rows("SELECT * FROM event_log ORDER BY event_id"),
    }


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_without_resume_only_a_new_start_of_the_station_begins_a_run(short_folder: Path) -> None:
    runs = "SELECT run_id, ended_at FROM run_summary ORDER BY run_id"
    unlike = {"threads": 1, "run_name": "each start its own", "resume": False}
    with LiveStation(short_folder, analysis=unlike) as station:
        station.wait_for_frames(3)
        station.kill("analyze", signal.SIGKILL)
        station.wait_for_frames(3)
        assert len(station.rows(runs)) == 1, "an analysis that died goes on with the run"
        resumed = "SELECT COUNT(*) AS n FROM event_log WHERE kind = 'run_resumed'"
        assert station.rows(resumed) == [{"n": 1}]
    with LiveStation(short_folder, analysis=unlike) as station:
        station.wait_for_frames(2)
        found = station.rows(runs)
    assert [row["run_id"] for row in found] == [1, 2]
    assert found[0]["ended_at"] is not None
