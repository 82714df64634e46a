"""`crystal-monitor bench`: every stage is timed, and nothing of it stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.command_line import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_every_stage_is_timed_and_the_station_is_left_alone(short_folder: Path) -> None:
    config = short_folder / "station.toml"
    config.write_text(
        f'[storage]\ndatabase = "sqlite:///{short_folder}/trails.sqlite"\n[analysis]\nthreads = 1\n'
        f'[stream]\nendpoint = "ipc://{short_folder}/frames.ipc"\n'
    )
    answer = run(short_folder, "bench", config, "--frames", 4, "--size", "192x128", "--json")
    assert answer.code == 0, answer
    told = json.loads(answer.output)
    assert (told["frames"], told["width_px"], told["height_px"]) == (4, 192, 128)
    assert {"quality", "preprocess", "infer", "postprocess", "measure", "track", "append", "frame"} <= set(
        told["stages"]
    )
    whole = told["stages"]["frame"]
    assert 0 < told["stages"]["infer"]["median_s"] < whole["median_s"] <= whole["longest_s"]
    assert [path.name for path in short_folder.iterdir() if path.name != "crystal-monitor"] == [
        "station.toml"
    ]
    wrong = run(short_folder, "bench", "--size", "big")
    assert wrong.code == 2
    assert "no WIDTHxHEIGHT" in wrong.error
