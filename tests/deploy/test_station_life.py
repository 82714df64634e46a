"""A station in a real systemd: it serves, is watched, survives what a lab does to it, and loses nothing.

The tests share one machine and run in this order; each leaves the station serving.
"""

from __future__ import annotations

import os
import time
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.deploy.machine import PREFIX, Machine
from tests.deploy.station import ANALYSIS, GRABBER, STATION, TARGET, TOKEN, Station
from tests.integration.test_readme import QUESTIONS

UNPLUGGED_S = float(os.environ.get("CRYSTAL_MONITOR_UNPLUGGED_S", "10"))
"""How long the camera stays away, seconds."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + UNPLUGGED_S)]


def test_the_services_are_ready_and_say_how_it_goes(machine: Machine, station: Station) -> None:
    for unit in (ANALYSIS, GRABBER):
        assert machine.show(unit, "ActiveState") == "active"
        assert machine.show(unit, "User") == "crystal-monitor"
    assert machine.show(TARGET, "UnitFileState") == "enabled"
    machine.until(lambda: "6 crystals" in machine.show(ANALYSIS, "StatusText"), "a line about the crystals")
    machine.until(lambda: "frames/s" in machine.show(GRABBER, "StatusText"), "a line about the camera")
    assert machine.show(GRABBER, "WatchdogUSec") == "6s", "set by the process: the unit says 10 min"
    assert machine.show(ANALYSIS, "WatchdogUSec").endswith("s"), "6 s, or more where the machine is slow"


def test_an_unplugged_camera_is_blind_with_one_alert_and_no_restart(
    machine: Machine, station: Station
) -> None:
    raised = "SELECT event_id FROM event_log WHERE kind = 'alert_raised' AND rule = 'blind'"
    restarts, alerts, frames = station.restarts(), len(station.rows(raised)), station.frames()
    station.unplug()
    try:
        began = time.monotonic()
        machine.until(lambda: machine.show(ANALYSIS, "StatusText").startswith("blind"), "blindness")
        while time.monotonic() - began < UNPLUGGED_S:
            time.sleep(1.0)
            assert station.restarts() == restarts
        assert "lost since" in machine.show(GRABBER, "StatusText")
        assert station.rows("SELECT state FROM run_summary") == [{"state": "blind"}]
        assert len(station.rows(raised)) == alerts + 1
        assert station.frames() <= frames + 10, "the control: nothing was seen"
    finally:
        station.plug_in()
    station.await_frames()
    assert station.restarts() == restarts
    assert len(station.rows(raised)) == alerts + 1
    station.assert_ledger_is_exact()


def test_a_start_that_takes_long_asks_for_more_time(machine: Machine, station: Station) -> None:
    slow = (
        "import time; from monitor.service.notifier import notifying\n"
        "with notifying() as notifier:\n"
        "    {waiting}\n"
        "        time.sleep(4)\n"
        "    notifier.ready('serves')\n"
    )
    run = (
        "systemd-run",
        "--quiet",
        "--property=Type=notify",
        "--property=TimeoutStartSec=2s",
        "--unit=slow-start",
    )
    for waiting, code in (("if True:", 1), ("with notifier.starting('builds an engine'):", 0)):
        python = (f"{PREFIX}/bin/python", "-c", slow.format(waiting=waiting))
        assert machine.run(*run, *python, check=False).returncode == code, waiting
        machine.run("systemctl", "reset-failed", "slow-start.service", check=False)


def test_a_secret_reaches_the_service_as_a_credential(machine: Machine, station: Station) -> None:
    address = f"http://127.0.0.1:{station.metrics_port}/metrics"
    machine.until(
        lambda: asked(address) == HTTPStatus.UNAUTHORIZED, "the control: nobody reads it without the token"
    )
    assert asked(address, TOKEN) == HTTPStatus.OK


def asked(address: str, token: str = "") -> int | None:
    """Status of an answer; None where nobody answers."""
    request = Request(address, headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return None


def test_installing_again_changes_nothing(machine: Machine, station: Station) -> None:
    before = machine.show(ANALYSIS, "MainPID"), machine.show(GRABBER, "MainPID")
    said = station.install(
        "--station", STATION, "--config", station.write_settings(metrics=station.metrics())
    )
    assert "was set up already" in said
    assert (machine.show(ANALYSIS, "MainPID"), machine.show(GRABBER, "MainPID")) == before


def test_the_installed_units_are_clean_for_systemd(machine: Machine, station: Station) -> None:
    said = machine.run("systemd-analyze", "verify", TARGET, ANALYSIS, GRABBER)
    assert "crystal" not in said.stderr + said.stdout
    for unit in (ANALYSIS, GRABBER):
        said = machine.run("systemd-analyze", "security", "--threshold=20", unit, check=False)
        assert said.returncode == 0, said.stdout[-200:]


def answers(station: Station, user: str) -> list[int]:
    return [len(station.rows(sql, user)) for _, sql in QUESTIONS]


def test_a_reader_asks_the_readmes_questions_with_the_daemon_up_and_down(
    machine: Machine, station: Station
) -> None:
    assert len(QUESTIONS) == 5
    station.machine.until(lambda: answers(station, "reader")[0] >= 3, "a history of crystal 1")
    assert answers(station, "reader")[3:] != [0, 0]
    refused = machine.run(
        "sqlite3",
        "-readonly",
        "/var/lib/crystal-monitor/plate.sqlite",
        "SELECT 1 FROM run",
        user="stranger",
        check=False,
    )
    assert refused.returncode != 0, "the control: who is not in the group reads nothing"
    spoilt = machine.run(
        "sqlite3", "/var/lib/crystal-monitor/plate.sqlite", "DELETE FROM event", user="reader", check=False
    )
    assert "readonly" in spoilt.stderr or "read-only" in spoilt.stderr
    machine.run("systemctl", "stop", ANALYSIS)
    assert answers(station, "reader")[0] >= 3
    listing = machine.run(
        "stat", "-c", "%a %U:%G", "/var/lib/crystal-monitor", "/var/lib/crystal-monitor/plate.sqlite"
    ).stdout
    assert listing.split() == [
        "2750",
        "crystal-monitor:crystal-readers",
        "640",
        "crystal-monitor:crystal-readers",
    ]
    machine.run("systemctl", "start", ANALYSIS)
    station.await_frames()


def test_the_nightly_backup_is_made_while_the_station_runs(machine: Machine, station: Station) -> None:
    machine.run("systemctl", "enable", "--now", f"crystal-backup@{STATION}.timer")
    machine.run("systemctl", "start", f"crystal-backup@{STATION}.service")
    made = machine.run(
        "find", f"/var/lib/crystal-monitor-backups/{STATION}", "-name", "*.sqlite"
    ).stdout.split()
    assert len(made) == 1
    counted = machine.run("sqlite3", "-readonly", made[0], "SELECT COUNT(*) > 0 FROM frame_log").stdout
    assert counted.strip() == "1"


@pytest.mark.parametrize("unit", [ANALYSIS, GRABBER])
def test_a_killed_process_is_started_again_and_the_run_goes_on(
    machine: Machine, station: Station, unit: str
) -> None:
    before, restarts = station.snapshot(), station.restarts()
    machine.run("systemctl", "kill", "--signal=KILL", unit)
    machine.until(lambda: station.restarts()[unit] == restarts[unit] + 1, f"{unit} to be started again")
    station.await_frames()
    assert_it_went_on(station, before)


def test_the_watchdog_ends_a_frozen_analysis_and_it_recovers(machine: Machine, station: Station) -> None:
    before, restarts = station.snapshot(), station.restarts()
    machine.run("systemctl", "kill", "--signal=STOP", ANALYSIS)
    machine.until(lambda: machine.show(ANALYSIS, "Result") == "watchdog", "the watchdog")
    machine.until(lambda: station.restarts()[ANALYSIS] == restarts[ANALYSIS] + 1, "a start")
    station.await_frames()
    assert_it_went_on(station, before)
    assert station.restarts()[GRABBER] == restarts[GRABBER], "the camera's process was left alone"


def test_the_watchdog_ends_a_grabber_whose_driver_hangs(machine: Machine, station: Station) -> None:
    restarts = station.restarts()
    machine.run("touch", "/srv/camera/cable.hangs")
    try:
        machine.until(lambda: machine.show(GRABBER, "Result") == "watchdog", "the watchdog")
    finally:
        machine.run("rm", "/srv/camera/cable.hangs")
    machine.until(lambda: station.restarts()[GRABBER] == restarts[GRABBER] + 1, "a start")
    station.await_frames()
    assert "Fatal Python error: Aborted" in machine.journal(), "where each thread stood is in the journal"
    assert station.restarts()[ANALYSIS] == restarts[ANALYSIS], "the analysis was left alone"


def test_a_stop_under_load_is_prompt_and_commits_the_frame_in_hand(
    machine: Machine, station: Station
) -> None:
    began = time.monotonic()
    # The target stops both in order; its services are named so that the command waits for them.
    machine.run("systemctl", "stop", TARGET, GRABBER, ANALYSIS)
    assert time.monotonic() - began < 15
    for unit in (ANALYSIS, GRABBER):
        assert machine.show(unit, "Result") == "success", "nothing had to be killed"
    last = station.rows(
        "SELECT session, ended, last_index FROM session_log ORDER BY first_seen_at DESC LIMIT 1"
    )[0]
    assert last["ended"] == "goodbye", "the grabber stops first, and the analysis hears its last word"
    station.assert_ledger_is_exact()
    machine.run("systemctl", "start", TARGET)
    station.await_frames()


def test_a_reboot_in_the_middle_of_a_run_loses_nothing(machine: Machine, station: Station) -> None:
    before = station.snapshot()
    assert len(before["crystals"]) == 6, "the control"
    machine.reboot()
    machine.until(lambda: machine.show(ANALYSIS, "ActiveState") == "active", "the analysis")
    station.await_frames()
    assert_it_went_on(station, before)
    boots = station.rows("SELECT kind FROM event_log WHERE kind = 'run_resumed'")
    assert boots, "the run went on"
    station.assert_ledger_is_exact()


def test_a_machine_that_is_switched_off_in_the_middle_of_a_run_has_all_that_was_committed(
    machine: Machine, station: Station
) -> None:
    before = station.snapshot()
    machine.cut_power()
    machine.boot()
    machine.until(lambda: machine.show(ANALYSIS, "ActiveState") == "active", "the analysis")
    station.await_frames()
    assert_it_went_on(station, before)
    assert station.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def assert_it_went_on(station: Station, before: dict[str, list[dict[str, object]]]) -> None:
    """One run, every frame that was committed, the same crystals under the same numbers."""
    after = station.snapshot()
    assert station.rows("SELECT COUNT(*) AS n FROM run_summary") == [{"n": 1}]
    kept = {(row["session"], row["frame_index"]): row for row in after["frames"]}
    assert all(kept[row["session"], row["frame_index"]] == row for row in before["frames"])
    assert after["crystals"] == before["crystals"]
    station.assert_ledger_is_exact()
