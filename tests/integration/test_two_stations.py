"""Two stations of one user without systemd: each command reaches the one that is meant, or none; a name is one's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.integration.command_line import Answer, run_all
from tests.integration.live_station import SOME_CRYSTALS, LiveStation, station_tree

pytestmark = pytest.mark.slow


def settings_tree(folder: Path, name: str, database: str, **sections: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that name no socket, but for what `sections` say."""
    tree = station_tree(folder, **sections)
    tree["name"] = name
    del tree["stream"]["endpoint"]
    tree["storage"] = {"database": f"sqlite:///{folder}/{database}.sqlite"}
    return tree


def settings_file(folder: Path, name: str, **sections: Mapping[str, Any]) -> Path:
    """A file of such settings, `NAME.toml`, with the database `NAME.sqlite`."""
    path = folder / f"{name}.toml"
    path.write_text(tomli_w.dumps(settings_tree(folder, name, name, **sections)), encoding="utf-8")
    return path


@pytest.mark.timeout(300)
def test_commands_reach_the_station_that_is_meant(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(short_folder))
    station = LiveStation(short_folder)
    station.config.write_bytes(
        settings_file(
            short_folder, "bench", camera={"time_compression": 2400.0}, alerts=SOME_CRYSTALS
        ).read_bytes()
    )
    station.database = short_folder / "bench.sqlite"
    other = settings_file(short_folder, "other")
    benchs_socket = {"endpoint": f"ipc://{short_folder}/bench/control.ipc"}
    astray = settings_file(short_folder, "astray", control=benchs_socket)

    def tell(**calls: tuple[object, ...]) -> dict[str, Answer]:
        return run_all(short_folder, {name: (arguments, {}) for name, arguments in calls.items()})

    with station:
        station.wait_for_frames(8)
        answers = tell(
            bench=("note", "for bench", "--config", station.config),
            nobody=("note", "for the one that runs"),
            other=("note", "for other", "--config", other),
            note=("note", "for astray", "--config", astray),
            mute=("mute", 60, "--config", astray),
            new=("new-run", "another", "--config", astray),
            status=("status", astray),
            elsewhere=("note", "elsewhere", "--config", station.config, "--database", "sqlite:///elsewhere"),
            told=("status",),
            down=("status", other),
        )
        assert (answers["bench"].code, answers["nobody"].code) == (0, 0), answers
        assert answers["other"].code == 2, answers["other"]
        for refused in ("note", "mute", "new", "status"):
            assert answers[refused].code == 2, answers[refused]
            assert "the daemon here is bench, you named astray" in answers[refused].error
        assert answers["elsewhere"].code == 2
        assert "bench.sqlite, you named" in answers["elsewhere"].error
        assert answers["told"].code == 0, answers["told"]
        assert answers["told"].output.startswith("station bench: ")
        assert answers["down"].code == 3, answers["down"]
        notes = station.rows("SELECT message FROM event_log WHERE kind = 'note' ORDER BY event_id")
        assert {row["message"] for row in notes} == {"for bench", "for the one that runs"}
        assert len(station.rows("SELECT run_id FROM run_summary")) == 1

        raised = "SELECT event_id FROM event_log WHERE run_id = 1 AND kind = 'alert_raised'"
        station.until(lambda: station.rows(raised), "an alert")
        waits = station.rows(raised)[0]["event_id"]
        assert tell(new=("new-run", "plate 2", "--config", station.config))["new"].code == 0
        begun = "SELECT elapsed_s FROM frame_log WHERE run_id = 2 ORDER BY frame_index"
        station.until(lambda: station.rows(begun), "frames of the next run")
        times = station.rows(begun)
        first_run = station.rows("SELECT MAX(elapsed_s) AS last FROM frame_log WHERE run_id = 1")
        assert first_run[0]["last"] > 1000, "the control: simulated time runs ahead"
        assert times[0]["elapsed_s"] == pytest.approx(0.0, abs=1e-6), "a run counts from its first frame"

        acknowledged = tell(ack=("ack", waits, "--config", station.config))["ack"]
        assert acknowledged.code == 0, "an event of the run before"
        assert station.rows("SELECT event_id FROM event_log WHERE acknowledged_at IS NOT NULL") == [
            {"event_id": waits}
        ]


@pytest.mark.timeout(300)
def test_a_second_station_of_the_same_name_is_refused_and_takes_nothing(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(short_folder))
    station = LiveStation(short_folder)
    station.config.write_bytes(settings_file(short_folder, "bench").read_bytes())
    station.database = short_folder / "bench.sqlite"
    twin = short_folder / "twin.toml"
    tree = tomli_w.dumps(settings_tree(short_folder, "bench", database="twin"))
    twin.write_text(tree, encoding="utf-8")

    with station:
        station.wait_for_frames(3)
        calls: dict[str, tuple[object, ...]] = {
            "grab": ("grab", twin),
            "analyze": ("analyze", twin),
            "again": ("analyze", station.config),
            "run": ("run", twin),
        }
        answers = run_all(short_folder, {name: (arguments, {}) for name, arguments in calls.items()})
        for name, answer in answers.items():
            assert answer.code == 2, answer
            other = "grab" if "another grabber" in answer.error else "analyze"
            assert name in {other, "again", "run"}
            assert f"process {station.process_id(other)} (" in answer.error, answer
            assert f"{other} {station.config})" in answer.error, "it is named by its settings file"
            assert "another `name`" in answer.error, answer
        assert "trails go to" not in answers["run"].error, "it was refused before anything was said of it"
        assert not list(short_folder.glob("twin.sqlite*")), "nothing was begun for it"
        status = run_all(short_folder, {"status": (("note", "still here", "--config", station.config), {})})
        assert status["status"].code == 0, "commands still reach the first"
        station.wait_for_frames(3)

        before = station.kill("analyze"), station.kill("grab")
        assert (short_folder / "bench" / "control.ipc").is_socket(), "the control: a kill leaves its socket"
        station.wait_for_frames(3)
        assert before != (station.process_id("analyze"), station.process_id("grab"))
        taken_over = run_all(short_folder, {"note": (("note", "and back", "--config", station.config), {})})
        assert taken_over["note"].code == 0, taken_over
        assert "the daemon is down" not in taken_over["note"].output
    assert len(station.rows("SELECT run_id FROM run_summary")) == 1
