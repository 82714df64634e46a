"""`kill -9` of either process at any moment: what was committed stays, the run goes on under the same numbers."""

from __future__ import annotations

import itertools
import math
import random
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.live_station import LiveStation, Row

KILLS = 25
"""In each of the two stations."""
FRAME_COLUMNS = (
    "session, frame_index, captured_at, elapsed_s, status, reason, backend, count, total_area_px, total_area_um2, "
    "fraction, state, light, width_px"
)
POINT_COLUMNS = (
    "crystal_id, elapsed_s, frame_index, area_px, area_um2, centroid_x_px, centroid_y_px, equivalent_diameter_px, "
    "carried"
)
GROWING: dict[str, Any] = {
    "width_px": 256,
    "height_px": 256,
    "growth": {"rate_um_per_s": 0.02, "final_coverage": 0.25},
    "nucleation": {
        "rate_per_mm2_s": 0.5,
        "seeds": 3,
        "seed_diameter_um": 10.0,
        "seed_spacing": 2.0,
        "exclusion_um": 15.0,
        "most_crystals": 10,
    },
    "optics": {"out_of_focus": 0.0, "dust": 0.0},
}


class Witness:
    """Remembers every row that it ever read, and holds the database to them."""

    def __init__(self, station: LiveStation) -> None:
        self._station = station
        self.frames: dict[tuple[str, int], Row] = {}
        self.points: dict[tuple[int, float], Row] = {}
        self.trails: dict[int, tuple[float, str]] = {}

    def read(self) -> None:
        frames, points, trails = self._all()
        self.frames |= frames
        self.points |= points
        self.trails |= trails

    def hold_to_it(self) -> None:
        frames, points, trails = self._all()
        assert not self.frames.keys() - frames.keys(), "a committed frame is gone"
        assert {key: frames[key] for key in self.frames} == self.frames, "a committed frame has changed"
        assert not self.points.keys() - points.keys(), "a committed point is gone"
        assert {key: points[key] for key in self.points} == self.points, "a committed point has changed"
        assert {key: trails.get(key) for key in self.trails} == self.trails, (
            "a number was given to another crystal"
        )

    def _all(
        self,
    ) -> tuple[dict[tuple[str, int], Row], dict[tuple[int, float], Row], dict[int, tuple[float, str]]]:
        rows = self._station.rows
        frames = rows(f"SELECT {FRAME_COLUMNS} FROM frame_log")
        points = rows(f"SELECT {POINT_COLUMNS} FROM growth_history")
        trails = rows("SELECT crystal_id, first_seen_s, birth_kind FROM trail_summary")
        return (
            {(row["session"], row["frame_index"]): row for row in frames},
            {(row["crystal_id"], row["elapsed_s"]): row for row in points},
            {row["crystal_id"]: (row["first_seen_s"], row["birth_kind"]) for row in trails},
        )


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("policy", ["latest", "lossless"])
def test_kills_lose_nothing_committed_and_reuse_no_number(policy: str, short_folder: Path) -> None:
    chance = random.Random(f"kills, {policy}")
    camera: dict[str, Any] = {"kind": "simulated", "started_at": datetime.now(UTC), "um_per_px": 0.5}
    if policy == "lossless":
        camera |= {"simulation": GROWING, "time_compression": 15.0, "frames_per_s": 5.0}
    with LiveStation(
        short_folder, stream={"policy": policy}, camera=_camera(short_folder, camera)
    ) as station:
        witness = Witness(station)
        killed_sessions: dict[str, int] = {}
        station.wait_for_frames(3)
        for turn in range(KILLS):
            if chance.random() < 0.8:  # else: in the middle of a start
                station.wait_for_frames(1)
            time.sleep(chance.uniform(0, 0.4))
            witness.read()
            victim = ("analyze", "grab")[turn % 2]
            station.kill(victim)
            if victim == "grab":
                session, last_index = station.grabbed()
                killed_sessions[session] = last_index
            witness.hold_to_it()
        station.wait_for_frames(3)
        witness.read()
        resumed = station.rows("SELECT COUNT(*) AS n FROM event_log WHERE kind = 'run_resumed'")[0]["n"]
    witness.hold_to_it()
    assert len(witness.frames) >= KILLS, "the control: frames were committed between the kills"
    assert witness.points, "the control: crystals were followed"
    assert len(killed_sessions) >= KILLS // 4, "the control: grabbers were killed in their work"
    assert resumed >= KILLS // 4, "the control: analyses were killed in their work"
    _check_one_sound_run(station)
    _check_trails(station, policy)
    _check_ledger(station, killed_sessions, policy)


def _camera(folder: Path, changes: dict[str, Any]) -> dict[str, Any]:
    from tests.integration.live_station import station_tree

    return {**station_tree(folder)["camera"], **changes}


def _check_one_sound_run(station: LiveStation) -> None:
    runs = station.rows("SELECT run_id, name FROM run_summary")
    assert runs == [{"run_id": 1, "name": "the run"}]
    connection = sqlite3.connect(station.database)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.close()


def _check_trails(station: LiveStation, policy: str) -> None:
    """A number stays with its crystal: what stands still is always found where it was."""
    by_crystal: dict[int, list[Row]] = {}
    for row in station.rows(f"SELECT {POINT_COLUMNS} FROM growth_history ORDER BY elapsed_s"):
        by_crystal.setdefault(row["crystal_id"], []).append(row)
    for crystal, points in by_crystal.items():
        for before, after in itertools.pairwise(points):
            moved_px = math.hypot(
                after["centroid_x_px"] - before["centroid_x_px"],
                after["centroid_y_px"] - before["centroid_y_px"],
            )
            assert moved_px < after["equivalent_diameter_px"], f"crystal {crystal} jumped: {before} {after}"
    if policy == "latest":  # the static field: the crystals of the first frame are those of the last
        present = station.rows(
            "SELECT crystal_id, ended_s FROM trail_summary WHERE birth_kind = 'present_at_start'"
        )
        assert len(present) >= 3, "the control: crystals were there from the start"
        assert all(row["ended_s"] is None for row in present), "a kill ended a trail"
        assert len(by_crystal) == len(present), "a kill gave a crystal a new number"


def _check_ledger(station: LiveStation, killed_sessions: dict[str, int], policy: str) -> None:
    sessions = {row["session"]: row for row in station.rows("SELECT * FROM session_log")}
    for row in sessions.values():
        assert row["sent"] == row["considered"] + row["lost"] + row["superseded"], row
        indices = sorted(
            index for first, last in _accounted(station, row["session"]) for index in range(first, last + 1)
        )
        assert indices == list(range(row["first_index"], row["last_index"] + 1)), "not exactly once"
    losses = station.rows("SELECT session, reason, SUM(count) AS count FROM frame_loss GROUP BY 1, 2")
    for session, last_index in killed_sessions.items():
        if last_index < 0:
            continue  # killed before its first frame
        assert session in sessions, "a session that had frames is not in the ledger"
        assert sessions[session]["last_index"] == last_index, "a killed grabber's tail is not counted"
    assert {loss["reason"] for loss in losses if loss["session"] not in killed_sessions} <= {"superseded"}
    if policy == "lossless":
        for loss in losses:
            assert loss["reason"] == "unknown", loss
        # Read ahead: two frames; in the camera's hand: one; served, not committed: one.
        seen = {session for session in sessions if sessions[session]["considered"]}
        assert all(loss["count"] <= 4 for loss in losses if loss["session"] in seen), losses


def _accounted(station: LiveStation, session: str) -> list[tuple[int, int]]:
    frames = station.rows("SELECT frame_index FROM frame_log WHERE session = ?", session)
    losses = station.rows("SELECT first_index, last_index FROM frame_loss WHERE session = ?", session)
    return [(row["frame_index"], row["frame_index"]) for row in frames] + [
        (row["first_index"], row["last_index"]) for row in losses
    ]
