"""The audit trail of a real station: who gave a command, by the kernel's word; starts, stops, kills, settings."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.integration.command_line import Answer, Call, run, run_all
from tests.integration.live_station import SOME_CRYSTALS, LiveStation, station_tree

OPERATORS = 54_331
OPERATOR = 54_332
STRANGER = 54_333
ANCHOR = re.compile(r"audit trail at the stop: row (\d+), hash ([0-9a-f]{64})")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def trail(station: LiveStation, kind: str = "%") -> list[dict[str, Any]]:
    return station.rows("SELECT * FROM audit_log WHERE kind LIKE ? ORDER BY seq", kind)


def tell(station: LiveStation, user: tuple[int, int] | None, *arguments: object, **variables: str) -> Answer:
    """A command of the user and group."""
    if user is not None:
        variables |= {"TEST_UID": str(user[0]), "TEST_GID": str(user[1])}
    calls: dict[str, Call] = {"only": ((*arguments, "--config", str(station.config)), variables)}
    return run_all(station.folder, calls)["only"]


def verify(station: LiveStation, *options: object) -> Answer:
    return run(station.folder, "audit", "verify", *options, "--database", f"sqlite:///{station.database}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_command_stands_in_the_trail_with_the_user_that_the_kernel_names(short_folder: Path) -> None:
    shutil.chown(short_folder, group=OPERATORS)
    short_folder.chmod(0o2750)
    with LiveStation(
        short_folder, camera={"time_compression": 1.0, "frames_per_s": 4.0}, alerts=SOME_CRYSTALS
    ) as station:
        station.config.chmod(0o644)
        station.wait_for_frames(2)
        raised = "SELECT event_id FROM event_log WHERE kind = 'alert_raised'"
        station.until(lambda: station.rows(raised), "an alert")
        alert = station.rows(raised)[0]["event_id"]
        assert (short_folder / "control.ipc").stat().st_gid == OPERATORS
        noted = tell(station, (OPERATOR, OPERATORS), "note", "from the second user", "--reason", "to see")
        assert noted.code == 0, noted
        assert tell(station, (OPERATOR, OPERATORS), "ack", alert, "--reason", "seen").code == 0
        (note,) = trail(station, "note")
        assert (note["who"], note["uid"], note["who_by"]) == (str(OPERATOR), OPERATOR, "kernel")
        assert (note["message"], note["why"], note["run_id"]) == ("from the second user", "to see", 1)
        (acknowledged,) = trail(station, "acknowledged")
        assert (acknowledged["uid"], acknowledged["why"]) == (OPERATOR, "seen")

        refused = tell(station, (STRANGER, STRANGER), "note", "never written")
        assert refused.code == 2, refused
        assert len(trail(station, "note")) == 1, "who is not of the group gives no command"

        assert tell(station, None, "zero", "--reason", "nucleant added", SUDO_USER="anna").code == 0
        (zero,) = trail(station, "time_zero")
        assert (zero["who"], zero["who_by"], zero["claimed"]) == ("root", "kernel", "anna")
        assert tell(station, (OPERATOR, OPERATORS), "new-run", "plate 7", "--reason", "next plate").code == 0
        station.until(lambda: len(trail(station, "run_started")) == 2, "the next run")
        first, second = trail(station, "run_started")
        assert (first["who_by"], second["who_by"], second["uid"]) == ("process", "kernel", OPERATOR)
        (ended,) = trail(station, "run_ended")
        assert (ended["uid"], ended["why"]) == (OPERATOR, "next plate")
    down = tell(station, None, "note", "the lamp was changed", SUDO_USER="anna")
    assert down.code == 0, down
    written = trail(station, "note")[-1]
    assert (written["who"], written["who_by"], written["claimed"]) == ("root", "claimed", "anna")
    assert verify(station).code == 0


def test_starts_stops_kills_and_settings(short_folder: Path) -> None:
    with LiveStation(short_folder) as station:
        station.wait_for_frames(2)
        assert [row["kind"] for row in trail(station)] == [
            "trail_begun", "service_started", "settings_changed", "model_changed", "run_started",
        ]  # fmt: skip
        settings = json.loads(trail(station, "settings_changed")[0]["details"])["settings"]
        assert settings["analysis"]["run_name"] == "the run"
        station.kill("analyze")
        station.until(lambda: len(trail(station, "service_started")) == 2, "the next start")
        assert "without telling" in trail(station, "service_started")[1]["message"]
        station.until(lambda: trail(station, "run_resumed"), "the run to go on")
        assert len(trail(station, "settings_changed")) == 1, "the same settings are not told again"
    seq, head = ANCHOR.findall((short_folder / "analyze.log").read_text())[-1]
    stopped = trail(station)[-1]
    assert (stopped["kind"], str(stopped["seq"]), stopped["hash"]) == ("service_stopped", seq, head)
    intact = verify(station, "--expect", head, "--json")
    assert intact.code == 0, intact
    assert json.loads(intact.output)["head"] == head

    tree = station_tree(short_folder, analysis={"interval_s": 0.5})
    station.config.write_text(tomli_w.dumps(tree))
    with LiveStation(short_folder, analysis={"interval_s": 0.5}) as again:
        again.until(lambda: len(trail(again, "settings_changed")) == 2, "the changed settings")
    changed = trail(again, "settings_changed")[1]
    assert changed["message"] == "analysis.interval_s: 0.0 -> 0.5"
    assert json.loads(changed["details"])["changed"] == [
        {"setting": "analysis.interval_s", "before": 0.0, "after": 0.5}
    ]
    assert len(trail(again, "model_changed")) == 1
    assert verify(again, "--expect", head).code == 0, "what was the end once is in the trail"

    database = f"sqlite:///{again.database}"
    exported = run(short_folder, "audit", "export", "--out", "trail.jsonl", "--database", database)
    assert exported.code == 0, exported
    assert run(short_folder, "audit", "verify", "--file", "trail.jsonl", "--expect", head).code == 0
    text = (short_folder / "trail.jsonl").read_text()
    (short_folder / "forged.jsonl").write_text(text.replace("the run", "my run", 1))
    forged = run(short_folder, "audit", "verify", "--file", "forged.jsonl")
    assert forged.code == 1
    assert "was changed" in forged.output
    shown = run(short_folder, "audit", "show", "--kind", "settings_changed", "--json", "--database", database)
    assert [row["details"]["changed"] for row in json.loads(shown.output)][1][0]["after"] == 0.5
    table = run(short_folder, "audit", "show", "--limit", 3, "--database", database)
    assert "service_stopped" in table.output
    lost = verify(again, "--expect", "0" * 64)
    assert lost.code == 1
    assert "cut off" in lost.output
    assert verify(again, "--expect", "abc").code == 2


def test_a_station_that_asks_for_a_reason_gets_one(short_folder: Path) -> None:
    with LiveStation(short_folder, audit={"require_reason": True}) as station:
        station.wait_for_frames(1)
        for command in (("zero",), ("ack", 1), ("mute", 5), ("new-run", "next")):
            refused = tell(station, None, *command)
            assert refused.code == 2, command
            assert "add --reason TEXT" in refused.error
        assert tell(station, None, "note", "a note is its own reason").code == 0
        assert tell(station, None, "mute", 5, "--reason", "maintenance").code == 0
        (muted,) = trail(station, "muted")
        assert muted["why"] == "maintenance"
