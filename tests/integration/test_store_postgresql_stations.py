"""Many stations, one PostgreSQL: eight real processes write at once, the server is restarted in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store import TrailReader
from tests.postgresql_server import Server, fresh_database, restartable_server

PROJECT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("station_writer.py")
STATIONS = [f"bench-{number}" for number in range(1, 9)]
FRAMES = 100
CRYSTALS = 20


@pytest.fixture
def server() -> Iterator[Server]:
    with restartable_server() as running:
        yield running


def start(database: str, station: str, output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as told:
        return subprocess.Popen(
            [sys.executable, str(WRITER), database, station, str(FRAMES)],
            stdout=told,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
        )


def committed(output: Path) -> int:
    return output.read_text().count("committed")


def wait_for_all(outputs: list[Path], frames: int) -> None:
    for _ in range(600):
        if min(committed(output) for output in outputs) >= frames:
            return
        time.sleep(0.1)
    pytest.fail(f"the stations wrote too little: {[output.read_text()[-200:] for output in outputs]}")


@pytest.mark.timeout(180)
def test_eight_stations_write_at_once_over_two_restarts_of_the_server(server: Server, tmp_path: Path) -> None:
    database = fresh_database(server.url, "lab")
    outputs = [tmp_path / station for station in STATIONS]
    writers = [start(database, station, output) for station, output in zip(STATIONS, outputs, strict=True)]
    try:
        wait_for_all(outputs, 5)
        server.restart("fast")
        wait_for_all(outputs, 25)
        server.restart("immediate")
        for writer in writers:
            writer.wait(timeout=120)
    finally:
        for writer in writers:
            if writer.poll() is None:
                writer.kill()
                writer.wait()
    told = [output.read_text() for output in outputs]
    assert [writer.returncode for writer in writers] == [0] * len(STATIONS), told
    assert sum("waiting" in text for text in told) >= len(STATIONS) // 2, (
        "the control: the restarts were felt"
    )
    with TrailReader(database) as reader:
        assert reader.stations() == tuple(STATIONS)
        for station in STATIONS:
            run_id = reader.find_run("last", station)
            frames = reader.view("frame_log", run_id).column("frame_index")
            assert sorted(int(str(index)) for index in frames) == list(range(FRAMES)), "lost or doubled"
            points = reader.view("growth_history", run_id)
            assert len(
                set(zip(points.column("crystal_id"), points.column("frame_index"), strict=True))
            ) == len(points)
            assert len(points) == CRYSTALS * (FRAMES - 1), "a point was lost or doubled"
            assert set(points.column("station")) == {station}
            notes = reader.view("event_log", run_id, kind="note").column("message")
            assert sorted(map(str, notes)) == sorted(f"note {index}" for index in range(0, FRAMES, 10))
            ledger = next(reader.view("session_log", run_id).records())
            assert (ledger["sent"], ledger["considered"], ledger["lost"]) == (FRAMES, FRAMES, 0)
            trails = list(reader.view("trail_summary", run_id).records())
            assert {trail["points"] for trail in trails} == {FRAMES - 1}, "a point was counted twice"
        summaries = list(reader.view("run_summary").records())
    assert [summary["name"] for summary in sorted(summaries, key=lambda one: str(one["station"]))] == [
        f"run of {station}" for station in STATIONS
    ], "each station began one run, and no more"
