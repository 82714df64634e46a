"""A power cut of a whole station, grabber and analysis in their work: it starts again, and the run goes on."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from monitor.store import open_store
from tests.integration.live_station import LiveStation
from tests.power_cut.disk import Disk, Operation, read_log
from tests.power_cut.recording import compile_recorder, recorded_environment

ANALYSIS = Path(__file__).with_name("analysis_process.py")
FRAMES = 60
INSTANTS = 200


def recorded(folder: Path, place: Path) -> list[Operation]:
    """What the two processes asked of the disk until both were killed."""
    log = folder / "log"
    station = LiveStation(
        place,
        camera={"frames_per_s": 20.0},
        storage={"archive": {"folder": str(place / "archive"), "every_s": 20.0}},
    )
    environment = recorded_environment(compile_recorder(folder), place, log)
    commands = ([str(ANALYSIS)], ["-m", "monitor.cli", "grab"])
    with (folder / "said").open("w+") as said:
        processes = [
            subprocess.Popen(
                [sys.executable, *command, str(station.config)], env=environment, stdout=said, stderr=said
            )
            for command in commands
        ]
        try:
            end = time.monotonic() + 90
            while (folder / "said").read_text().count("committed") < FRAMES:
                assert time.monotonic() < end, (folder / "said").read_text()
                assert all(process.poll() is None for process in processes), (folder / "said").read_text()
                time.sleep(0.05)
        finally:
            for process in processes:
                process.send_signal(signal.SIGKILL)
                process.wait()
    return read_log(log)


def restored(files: dict[str, bytes], place: Path) -> None:
    """The folder as the machine finds it when the power is back."""
    config = (place / "station.toml").read_bytes()
    shutil.rmtree(place)
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    place.mkdir(exist_ok=True)
    (place / "station.toml").write_bytes(config)


def frames_of(database: Path) -> set[tuple[str, int]]:
    with closing(sqlite3.connect(database)) as reader:
        assert reader.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert reader.execute("PRAGMA foreign_key_check").fetchall() == []
        return set(reader.execute("SELECT session, frame_index FROM frame_log"))


def told_frames(told: list[str]) -> set[tuple[str, int]]:
    committed = [line.split() for line in told if line.startswith("committed")]
    return {(session, int(index)) for _, session, index in committed}


@pytest.mark.timeout(300)
def test_the_station_starts_again_and_nothing_committed_is_lost(tmp_path: Path, short_folder: Path) -> None:
    operations = recorded(tmp_path, short_folder)
    chance = random.Random("station")
    writes = sum(operation.kind == "W" for operation in operations)
    wanted = sorted(chance.choices(range(len(operations)), k=INSTANTS))
    disk, next_number, restarts = Disk(), 0, 0
    seen = set()
    for turn, number in enumerate(wanted):
        while next_number <= number:
            disk.take(operations[next_number])
            next_number += 1
        restored(dict(disk.cut(chance, chance.choice(("lost", "any")))), short_folder)
        database = short_folder / "trails.sqlite"
        open_store(str(database)).close()
        told, there = told_frames(disk.told), frames_of(database)
        assert told <= there, f"after operation {number}: committed frames are gone: {told - there}"
        seen.add(len(told))
        if told and turn in (INSTANTS // 2, INSTANTS - 1):
            restarts += 1
            with LiveStation(short_folder) as station:
                station.wait_for_frames(2)
                assert told <= frames_of(database)
                assert len(station.rows("SELECT run_id FROM run_summary")) == 1, "the run goes on"
    assert restarts == 2, "the control: the station was started again"
    assert len(seen) > FRAMES // 4, "the control: the instants lie all over the record"
    assert writes > 10 * FRAMES
