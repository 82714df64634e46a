"""What a station in a real systemd says: fields in the journal, `status` and `doctor` of an installed station."""

from __future__ import annotations

import json

import pytest

from tests.deploy.machine import PREFIX, Machine
from tests.deploy.station import ANALYSIS, CREDENTIAL, GRABBER, READER, STATION, Station

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COMMAND = f"{PREFIX}/bin/crystal-monitor"
SETTINGS = f"/etc/crystal-monitor/{STATION}.toml"


def test_the_journal_has_run_camera_field_and_frame(machine: Machine, station: Station) -> None:
    run_id = station.rows("SELECT MAX(run_id) AS run_id FROM run_summary")[0]["run_id"]

    def said(*matches: str) -> list[dict[str, str]]:
        found = machine.run("journalctl", "--no-pager", "-q", "-o", "json", *matches, check=False).stdout
        return [json.loads(line) for line in found.splitlines()]

    begun = said(f"_SYSTEMD_UNIT={ANALYSIS}", f"RUN={run_id}", "FIELD=main")
    assert any(row["MESSAGE"].startswith(f"run {run_id} (the run) begins") for row in begun), (
        machine.journal()
    )
    assert said(f"_SYSTEMD_UNIT={ANALYSIS}", "RUN=999") == [], "the control: it is asked by the field"
    assert all(row["SYSLOG_IDENTIFIER"] == "crystal-monitor" for row in begun)
    # Started again without a frame so far, nobody knows the camera yet.
    assert all(row["CAMERA"] for row in begun if "begins" in row["MESSAGE"])

    station.unplug()
    try:
        lost = machine.until(
            lambda: [
                row
                for row in said(f"_SYSTEMD_UNIT={ANALYSIS}", f"RUN={run_id}")
                if row["LOGGER"] == "monitor.analysis.loop" and int(row.get("FRAME", -1)) >= 0
            ],
            "the loss of the camera, with the frame before it",
        )
        assert isinstance(lost, list)
        assert any(row["FIELD"] == "main" and row["CAMERA"] for row in lost)
        assert machine.until(lambda: said(f"_SYSTEMD_UNIT={GRABBER}", "PRIORITY=4"), "the grabber's warning")
    finally:
        station.plug_in()
    station.await_frames()


def test_status_and_doctor_of_an_installed_station(machine: Machine, station: Station) -> None:
    station.await_frames()
    status = machine.run(COMMAND, "status", SETTINGS, "--json", check=False)
    told = json.loads(status.stdout)
    assert (status.returncode, told["verdict"], told["troubles"]) == (0, "ok", []), status.stdout[-2000:]
    assert told["daemon"]["process"] == int(machine.show(ANALYSIS, "MainPID"))
    doctor = machine.run(COMMAND, "doctor", SETTINGS, "--json", check=False, timeout_s=120)
    findings = {row["check"]: row for row in json.loads(doctor.stdout)["findings"]}
    for unit in (ANALYSIS, GRABBER):
        assert findings[unit]["grade"] in ("ok", "warn"), findings[unit]
        assert "is active" in findings[unit]["says"]
    assert findings["daemon"]["grade"] == "ok", findings["daemon"]
    assert findings["camera"]["says"] == "gives frames to the daemon"
    assert findings["metrics.token"] == {
        "check": "metrics.token",
        "grade": "ok",
        "says": f"credential {CREDENTIAL} can be read",
        "remedy": "",
    }
    by_reader = machine.run(COMMAND, "doctor", SETTINGS, "--json", user=READER, check=False, timeout_s=120)
    (token,) = (row for row in json.loads(by_reader.stdout)["findings"] if row["check"] == "metrics.token")
    assert token["grade"] == "warn"
    assert token["remedy"].startswith("run it as root")
    wrong = [row for row in findings.values() if row["grade"] == "fail"]
    assert wrong == []
    assert doctor.returncode == 0
