"""`crystal-monitor status` of a real station: up, frozen, blind, down, and where there is none."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.integration.command_line import Answer, run, run_all
from tests.integration.live_station import LiveStation

pytestmark = pytest.mark.slow


def lines(answer: Answer) -> dict[str, str]:
    """Label and text of each line."""
    rows = [line.strip().split(None, 1) for line in answer.output.replace("told by", "told_by").splitlines()]
    return {row[0]: row[1] if len(row) > 1 else "" for row in rows if row}


@pytest.mark.timeout(400)
def test_a_station_up_frozen_and_down(short_folder: Path) -> None:
    camera, control = {"time_compression": 1.0, "frames_per_s": 4.0}, {"timeout_s": 4.0}
    with LiveStation(short_folder, camera=camera, control=control) as station:
        station.wait_for_frames(3)
        answers = run_all(
            short_folder,
            {"words": (("status", station.config), {}), "json": (("status", station.config, "--json"), {})},
        )
        words, told = answers["words"], json.loads(answers["json"].output)
        assert words.code == 0, words
        assert words.output.startswith("station test: ")
        said = lines(words)
        assert said["told_by"] == "the daemon and the database"
        assert "6 in view" in said["crystals"]
        assert f"process {station.process_id('analyze')}, version" in said["daemon"]
        assert said["camera"] == "gives frames"
        assert "TROUBLE" not in words.output
        assert told["verdict"] == "ok"
        assert told["daemon"]["frames"] >= 3
        assert told["daemon"]["backend"] == told["stored"]["last_frame"]["backend"]
        assert told["stored"]["run"]["crystals_in_view"] == 6
        assert told["room"]["disk_free_bytes"] > 0

        analysis = station.process_id("analyze")
        os.kill(analysis, signal.SIGSTOP)
        try:
            frozen = run(short_folder, "status", station.config)
        finally:
            os.kill(analysis, signal.SIGCONT)
        assert frozen.code == 1, frozen
        assert "does not answer within 4 s: it is frozen" in lines(frozen)["TROUBLE"]
        assert "6 in view" in lines(frozen)["crystals"], "the database tells the rest"

    down = run(short_folder, "status", station.config)
    assert down.code == 3, down
    assert down.output.startswith("station test: down (last: ")
    assert "the database alone: the daemon is down: nothing answers at" in lines(down)["told_by"]
    assert "6 in view" in lines(down)["crystals"]


@pytest.mark.timeout(300)
def test_a_camera_that_is_gone_is_trouble(short_folder: Path) -> None:
    completion = {"blind_after_s": 1.0}
    with LiveStation(
        short_folder, camera={"time_compression": 1.0, "frames_per_s": 8.0}, completion=completion
    ) as station:
        station.wait_for_frames(3)
        grabber = station.process_id("grab")
        os.kill(grabber, signal.SIGSTOP)
        try:
            station.until(
                lambda: (
                    station.rows("SELECT 1 FROM event_log WHERE kind = 'camera_lost'")
                    and station.rows("SELECT 1 FROM event_log WHERE message LIKE 'blind%'")
                ),
                "blindness",
            )
            answer = run(short_folder, "status", station.config, "--json")
        finally:
            os.kill(grabber, signal.SIGCONT)
    assert answer.code == 1, answer
    told = json.loads(answer.output)
    assert told["verdict"] == "trouble"
    assert told["daemon"]["camera_running"] is None
    text = "\n".join(told["troubles"])
    assert "the grabber is no longer heard: is it running?" in text
    assert "field main is blind:" in text


def test_where_nothing_ever_ran_it_says_so(short_folder: Path) -> None:
    nothing = run(short_folder, "status", "--database", f"sqlite:///{short_folder}/none.sqlite")
    assert nothing.code == 3, nothing
    assert nothing.output.startswith("station station: down (last: no run yet)")
    assert "nobody: the daemon is down" in nothing.output
    assert not (short_folder / "none.sqlite").exists(), "asking makes nothing"
    wrong = run(short_folder, "status", "missing.toml")
    assert wrong.code == 2
    assert "missing.toml does not exist" in wrong.error


@pytest.mark.timeout(300)
def test_the_doctor_answers_with_and_without_a_station(short_folder: Path) -> None:
    config = short_folder / "station.toml"
    config.write_text(
        f'[camera]\nkind = "folder"\nfolder = "{short_folder}/nowhere"\n'
        f'[stream]\nendpoint = "ipc://{short_folder}/frames.ipc"\n'
        f'[storage]\ndatabase = "sqlite:///{short_folder}/trails.sqlite"\n'
    )
    answers = run_all(
        short_folder,
        {"bare": (("doctor", "--json"), {}), "station": (("doctor", config), {})},
    )
    bare, station = answers["bare"], answers["station"]
    assert bare.code == 0, bare
    told = json.loads(bare.output)
    assert told["passed"]
    assert {"processor", "weights", "parity", "storage.database"} <= {
        row["check"] for row in told["findings"]
    }
    assert station.code == 1, station
    assert f"fail  camera.folder: the folder {short_folder}/nowhere does not exist" in station.output
    assert "→ make it (mkdir -p" in station.output
    assert station.output.rstrip().endswith("1 wrong")
