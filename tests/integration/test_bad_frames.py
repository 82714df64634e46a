"""Frames that cannot be used at run time are counted and told in `frame_log`, and the run goes on."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from monitor.settings.simulation import GrowthPhysics, Nucleation, SimulationSettings
from monitor.simulation import SimulatedMicroscope
from tests.integration.command_line import run
from tests.integration.live_station import LiveStation

FIELD = SimulationSettings(
    width_px=256,
    height_px=256,
    growth=GrowthPhysics(mode="static"),
    nucleation=Nucleation(rate_per_mm2_s=0, seeds=6, seed_diameter_um=14, seed_spacing=1.6),
)
GOOD_AFTER = 3


def write_frames(folder: Path, *, first: int = 0) -> dict[str, tuple[str, str | None]]:
    """Good images with every kind of bad one between them: status and reason that each must get, by name."""
    folder.mkdir(exist_ok=True)
    scope = SimulatedMicroscope(FIELD)
    expected: dict[str, tuple[str, str | None]] = {}
    number = first

    def name(kind: str, status: str, reason: str | None) -> Path:
        nonlocal number
        path = folder / f"f{number:03d}_t{number * 10}s_{kind}.png"
        expected[path.name] = (status, reason)
        number += 1
        return path

    def good(times: int) -> None:
        for _ in range(times):
            path = name("good", "ok", None)
            cv2.imwrite(str(path), scope.render_only(number * 10.0))

    good(3)
    whole = (folder / f"f{first:03d}_t{first * 10}s_good.png").read_bytes()
    name("truncated", "failed", "unreadable").write_bytes(whole[: len(whole) // 2])
    good(1)
    name("empty", "failed", "unreadable").write_bytes(b"")
    good(1)
    name("text", "failed", "unreadable").write_text("this is no image\n" * 200)
    good(1)
    deep = scope.render_only(number * 10.0).astype(np.uint16) * 257
    cv2.imwrite(str(name("deep", "ok", None)), deep)
    good(1)
    cv2.imwrite(
        str(name("other_size", "rejected", "size_changed")), scope.render_only(number * 10.0)[:200, :180]
    )
    good(1)
    cv2.imwrite(str(name("black", "rejected", "dark")), np.zeros((256, 256), np.uint8))
    good(GOOD_AFTER)
    return expected


def check(database: Path, expected: dict[str, tuple[str, str | None]]) -> None:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        rows = connection.execute("SELECT * FROM frame_log ORDER BY elapsed_s, frame_index").fetchall()
        summary = connection.execute("SELECT * FROM run_summary").fetchall()
        trails = connection.execute("SELECT * FROM trail_summary").fetchall()
    finally:
        connection.close()
    found = {row["source_name"]: (row["status"], row["reason"]) for row in rows}
    assert found == expected
    assert len(summary) == 1, "the run went on"
    for status in ("ok", "failed", "rejected"):
        counted = summary[0][f"frames_{status}"]
        assert counted == sum(state == status for state, _ in expected.values()), status
    assert summary[0]["frames_lost"] == 0
    for row in rows:
        assert (row["count"] is None) == (row["status"] != "ok"), "an unseen frame must not count crystals"
        assert row["status"] == "ok" or row["detail"], "the reason is told in words"
    good = [row for row in rows if row["status"] == "ok"]
    assert all(row["count"] == good[0]["count"] for row in good), "a 16-bit image shows the same crystals"
    assert len(trails) == good[0]["count"] > 0, "the control: crystals were followed, under one number each"
    assert all(trail["end_reason"] in (None, "run_end") for trail in trails)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_replay_goes_on_past_bad_frames(tmp_path: Path) -> None:
    expected = write_frames(tmp_path / "frames")
    answer = run(tmp_path, "replay", "frames", "--um-per-px", 0.5, "--database", "sqlite:///trails.sqlite")
    assert answer.code == 0, answer
    failed = sum(status == "failed" for status, _ in expected.values())
    assert f"{failed} failed, 2 rejected" in answer.output
    check(tmp_path / "trails.sqlite", expected)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_live_daemon_goes_on_past_bad_frames(short_folder: Path) -> None:
    watched = short_folder / "images"
    watched.mkdir()
    camera: dict[str, Any] = {
        "kind": "folder",
        "folder": str(watched),
        "existing": True,  # else what is written before the first listing would be left out, and the wait be in vain
        "um_per_px": 0.5,
        "poll_interval_s": 0.1,
        "settle_s": 0.2,
        "give_up_s": 1.0,
        "time": {"order": ["file_name"]},
    }
    tree_without_simulation = {"camera": camera, "stream": {"policy": "lossless"}}
    with LiveStation(short_folder, **tree_without_simulation) as station:
        station.process_id("grab")
        station.until((short_folder / "frames.ipc").exists, "the watch to begin")
        expected = write_frames(watched)
        good = sum(status == "ok" for status, _ in expected.values())
        counted = "SELECT COUNT(*) AS n FROM frame_log WHERE status = 'ok' HAVING n >= ?"
        station.until(lambda: station.rows(counted, good), f"{good} good frames")
        station.until(lambda: station.frames() >= len(expected), "all frames")
        process = station.process_id("analyze")
        assert station.process_id("analyze") == process, "nothing was restarted"
    check(station.database, expected)
