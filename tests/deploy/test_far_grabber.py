"""Camera and analysis on different machines: keys, credentials and networks by the documented steps, over TCP.

Both halves are installed on one machine, as two stations each of which has the other half elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.deploy.machine import PREFIX, Machine
from tests.deploy.station import READER, Station
from tests.free_port import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COMMAND = f"{PREFIX}/bin/crystal-monitor"
SECRETS = "/etc/crystal-monitor/secrets"
CAMERA, ANALYSIS = "far-camera", "far"


@pytest.fixture
def endpoint(machine: Machine, station: Station) -> Iterator[str]:
    """An address that is free; what is installed for it is taken away afterwards."""
    yield f"tcp://127.0.0.1:{free_port()}"
    for name in (CAMERA, ANALYSIS):
        machine.run(COMMAND, "uninstall", "--station", name, check=False)
        machine.run("rm", "-f", f"/etc/crystal-monitor/{name}.toml")


def state(machine: Machine, unit: str) -> str:
    return machine.show(unit, "ActiveState")


def test_a_grabber_elsewhere_is_installed_by_the_documented_steps(
    machine: Machine, station: Station, endpoint: str
) -> None:
    public = {}
    for pair in ("grabber", "analysis"):
        said = machine.run(COMMAND, "keys", pair, "--out", SECRETS).stdout
        assert f'{{ credential = "{pair}.key" }}' in said, "it is told as the unit will be given it"
        public[pair] = machine.run("cat", f"{SECRETS}/{pair}.pub").stdout.strip()

    keys = {"grabber_secret": {"credential": "grabber.key"}, "listeners": [public["analysis"]]}
    camera = station.write_settings(CAMERA, stream={"endpoint": endpoint, "keys": keys})
    station.install(
        "--station", CAMERA, "--config", camera, "--part", "grabber", "--camera-network", "localhost"
    )
    assert state(machine, f"crystal-grabber@{CAMERA}.service") == "active"
    assert state(machine, f"crystal-monitor@{CAMERA}.service") == "inactive", "it runs elsewhere"
    given = "/credentials.conf"
    assert given in machine.show(f"crystal-grabber@{CAMERA}.service", "DropInPaths")
    assert given not in machine.show(f"crystal-monitor@{CAMERA}.service", "DropInPaths")

    keys = {"grabber_public": public["grabber"], "listener_secret": {"credential": "analysis.key"}}
    analysis = station.write_settings(ANALYSIS, stream={"endpoint": endpoint, "keys": keys})
    station.install("--station", ANALYSIS, "--config", analysis, "--part", "analysis")
    assert state(machine, f"crystal-grabber@{ANALYSIS}.service") == "inactive"
    database = f"/var/lib/crystal-monitor/{ANALYSIS}.sqlite"
    counting = "SELECT COUNT(*) FROM frame_log WHERE status = 'ok'"

    def frames() -> int:
        said = machine.run("sqlite3", "-readonly", database, ".timeout 5000", counting, user=READER)
        return int(said.stdout)

    machine.until(lambda: frames() >= 3, "frames from the other half")
    note = machine.run(COMMAND, "note", "heard", "--config", f"/etc/crystal-monitor/{ANALYSIS}.toml").stdout
    assert "noted" in note
    assert "daemon is down" not in note, "commands find the socket of a station whose frames come over TCP"

    doctor = machine.run(COMMAND, "doctor", f"/etc/crystal-monitor/{ANALYSIS}.toml", "--json", check=False)
    findings = {row["check"]: row["says"] for row in json.loads(doctor.stdout)["findings"]}
    assert findings[f"crystal-grabber@{ANALYSIS}.service"] == "runs on another machine"

    again = station.install("--station", ANALYSIS)
    assert "was set up already" in again, again
