"""A watched folder is taken again when its grabber starts again: nothing is considered twice, nothing left out."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.integration.live_station import LiveStation, Row
from tests.integration.test_bad_frames import write_frames

LEDGER = "SELECT sent, considered, lost, superseded, repeated, ended FROM session_log ORDER BY first_seen_at"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_files_that_come_again_after_a_restart_are_counted_and_not_considered_again(
    short_folder: Path,
) -> None:
    watched = short_folder / "images"
    expected = write_frames(watched)
    camera = {
        "kind": "folder",
        "folder": str(watched),
        "existing": True,
        "um_per_px": 0.5,
        "poll_interval_s": 0.1,
        "settle_s": 0.2,
        "give_up_s": 0.5,
        "time": {"order": ["file_name"]},
    }
    with LiveStation(short_folder, camera=camera, stream={"policy": "lossless"}) as station:
        station.until(lambda: station.frames() == len(expected), "all files")
        station.kill("grab", signal.SIGTERM)
        station.until(lambda: repeated(station) == len(expected), "all files once more")
        expected |= write_frames(watched, first=len(expected))
        station.until(lambda: station.frames() == len(expected), "the new files")
        # Killed while it has just read some, perhaps: what was not committed comes again.
        expected |= write_frames(watched, first=len(expected))
        station.wait_for_frames(1)
        station.kill("grab")
        station.until(lambda: station.frames() == len(expected), "files of before and after the kill")
        station.until(lambda: station.rows(LEDGER)[-1]["repeated"] > len(expected) / 2, "their repetitions")
        # The count stands in the store, not in a process.
        before = station.rows(LEDGER)
        station.kill("analyze")
        expected |= write_frames(watched, first=len(expected))
        station.until(lambda: station.frames() == len(expected), "files of after the kill of the analysis")
    rows = station.rows("SELECT source_name, status, reason FROM frame_log")
    assert {row["source_name"]: (row["status"], row["reason"]) for row in rows} == expected
    assert len(rows) == len(expected), "a file was considered twice"
    ledger = station.rows(LEDGER)
    assert len(ledger) == 3, "the control: the grabber was started three times"
    for row in ledger:
        assert row["sent"] == row["considered"] + row["lost"] + row["superseded"], row
    assert [row["lost"] for row in (ledger[0], ledger[2])] == [0, 0], (
        "nothing of a session that nobody killed"
    )
    assert ledger[1]["repeated"] == len(expected) / 4
    assert ledger[2]["repeated"] == before[2]["repeated"] == before[0]["considered"] + before[1]["considered"]
    (run,) = station.rows("SELECT frames_lost, frames_repeated, frames_superseded FROM run_summary")
    assert run["frames_repeated"] == run["frames_superseded"] == sum(row["repeated"] for row in ledger)


def repeated(station: LiveStation) -> int:
    found: list[Row] = station.rows("SELECT frames_repeated FROM run_summary")
    return int(found[0]["frames_repeated"]) if found else 0
