"""Installations that fail are backed out, a new version takes over, and what is removed leaves the data.

Must be the last file that uses the station: it ends with the station uninstalled.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.machine import PREFIX, Machine
from tests.deploy.station import ANALYSIS, DATABASE, GRABBER, STATION, TARGET, Station

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NEXT = Path("/opt/crystal-monitor-next")
INSTALLED = (
    "find /etc/systemd/system /etc/crystal-monitor /etc/tmpfiles.d /etc/sysusers.d -type f -exec md5sum {} +"
)
SERVES = f"#!{NEXT}/bin/python\nfrom monitor.cli import main\nmain()\n"
BREAKS = SERVES.replace(
    "main()\n", "import sys\nsys.exit('does not work') if 'analyze' in sys.argv else main()\n"
)


def installed(machine: Machine) -> list[str]:
    return sorted(machine.run("sh", "-c", INSTALLED).stdout.splitlines())


def main_pid(machine: Machine) -> str:
    return machine.show(ANALYSIS, "MainPID")


def test_settings_that_are_wrong_install_nothing(machine: Machine, station: Station) -> None:
    before = installed(machine)
    wrong = station.write_settings("wrong", storage={"database": "sqlite:////nowhere/trails.sqlite"})
    said = machine.run(
        f"{PREFIX}/bin/crystal-monitor", "install", "--station", "wrong", "--config", wrong, check=False
    )
    assert said.returncode == 2
    assert "the folder /nowhere of the database" in said.stderr or "/nowhere does not exist" in said.stderr
    assert "Everything is as it was before." in said.stderr
    assert "Traceback" not in said.stderr
    assert installed(machine) == before
    assert machine.show("crystal-monitor@wrong.target", "ActiveState") == "inactive"


def test_a_station_that_does_not_come_up_is_backed_out(machine: Machine, station: Station) -> None:
    before = installed(machine)
    # Two stations at one socket: the settings are right, but the second grabber cannot serve.
    unit = "crystal-grabber@same.service"
    entry = f"MESSAGE=an earlier attempt\\nOBJECT_SYSTEMD_UNIT={unit}\\n"
    machine.run("sh", "-c", f"printf '{entry}' | logger --journald")
    machine.until(lambda: "an earlier attempt" in machine.journal(unit), "the control: it is in the journal")
    machine.run("sleep", "1.1")
    same = station.write_settings(
        "same", stream={"endpoint": f"ipc:///run/crystal-monitor/{STATION}/frames.ipc"}
    )
    said = machine.run(
        f"{PREFIX}/bin/crystal-monitor", "install", "--station", "same", "--config", same, check=False
    )
    assert said.returncode == 2
    assert "does not come up" in said.stderr
    assert "another grabber serves" in said.stderr, said.stderr
    assert "an earlier attempt" not in said.stderr
    assert installed(machine) == before
    machine.until(
        lambda: machine.show("crystal-grabber@same.service", "ActiveState") == "inactive", "its end"
    )
    station.await_frames()


def test_a_secret_that_is_missing_is_named_before_anything_starts(machine: Machine, station: Station) -> None:
    before = installed(machine)
    metrics = {"listen": "127.0.0.1:1", "token": {"credential": "no-such-token"}}
    wrong = station.write_settings("secretless", metrics=metrics)
    said = machine.run(
        f"{PREFIX}/bin/crystal-monitor", "install", "--station", "secretless", "--config", wrong, check=False
    )
    assert said.returncode == 2
    assert "metrics.token: the secret credential no-such-token is not in" in said.stderr
    assert "install -D -m 600 FILE /etc/crystal-monitor/secrets/no-such-token" in said.stderr
    assert "does not come up" not in said.stderr
    assert installed(machine) == before
    journal = machine.journal("crystal-monitor@secretless.service")
    assert not journal, "it was not even tried"


def test_a_user_who_is_not_root_is_told_so(machine: Machine, station: Station) -> None:
    said = machine.run(f"{PREFIX}/bin/crystal-monitor", "install", user="reader", check=False)
    assert said.returncode == 2
    assert "services are installed by root: run it with sudo" in said.stderr
    assert (
        "would"
        in machine.run(f"{PREFIX}/bin/crystal-monitor", "uninstall", "--dry-run", user="reader").stdout
    )


def test_a_version_that_does_not_come_up_gives_way_to_the_one_before(
    machine: Machine, station: Station
) -> None:
    next_version(machine, BREAKS)
    before = installed(machine)
    said = machine.run(f"{NEXT}/bin/crystal-monitor", "upgrade", check=False)
    assert said.returncode == 2
    assert "does not work" in said.stderr, "what the service said is in the message"
    assert installed(machine) == before
    machine.until(lambda: machine.show(ANALYSIS, "ActiveState") == "active", "the version of before")
    station.await_frames()


def test_a_new_version_takes_over_in_the_middle_of_a_run(machine: Machine, station: Station) -> None:
    next_version(machine, SERVES)
    before = station.snapshot()
    machine.run(f"{NEXT}/bin/crystal-monitor", "upgrade")
    assert f"{NEXT}/bin/crystal-monitor" in machine.show(ANALYSIS, "ExecStart")
    station.await_frames()
    after = station.snapshot()
    assert after["crystals"] == before["crystals"]
    assert station.rows("SELECT COUNT(*) AS n FROM run_summary") == [{"n": 1}]
    station.assert_ledger_is_exact()


def test_uninstall_leaves_the_data_and_says_where(machine: Machine, station: Station) -> None:
    frames = station.frames()
    said = machine.run(f"{NEXT}/bin/crystal-monitor", "uninstall").stdout
    for left in (f"/etc/crystal-monitor/{STATION}.toml", "/var/lib/crystal-monitor", "the user", "the group"):
        assert f"\n  {left}" in said
    assert machine.show(ANALYSIS, "LoadState") == machine.show(GRABBER, "LoadState") == "not-found"
    assert machine.show(TARGET, "ActiveState") == "inactive"
    assert not [line for line in installed(machine) if "/etc/systemd" in line and "crystal" in line]
    assert station.frames() >= frames, DATABASE
    station.assert_ledger_is_exact()


def next_version(machine: Machine, script: str) -> None:
    """Another environment beside the first, with the same packages."""
    machine.run("python3", "-m", "venv", "--without-pip", NEXT)
    site = next((machine.root / NEXT.relative_to("/") / "lib").glob("python3*/site-packages"))
    old = next((machine.root / PREFIX.relative_to("/") / "lib").glob("python3*/site-packages"))
    below = (old / "below.pth").read_text()
    (site / "old.pth").write_text(
        f"{PREFIX}/{old.relative_to(machine.root / PREFIX.relative_to('/'))}\n{below}"
    )
    path = machine.root / NEXT.relative_to("/") / "bin/crystal-monitor"
    path.write_text(script)
    path.chmod(0o755)
