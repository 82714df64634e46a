"""The machine that the tests of this folder share, with a station that runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.machine import Machine
from tests.deploy.station import READER, STATION, Station


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A machine that is up; switched off at the end."""
    with tempfile.TemporaryDirectory(prefix="cm-machine-", dir="/var/tmp") as folder:
        machine = Machine(Path(folder))
        try:
            machine.boot()
            yield machine
        finally:
            machine.cut_power()


@pytest.fixture(scope="session")
def station(machine: Machine) -> Station:
    """Station `plate`: installed by the command, serving, with a reader in the readers' group and a stranger."""
    station = Station(machine)
    station.plug_in()
    station.write_secret()
    station.install("--station", STATION, "--config", station.write_settings(metrics=station.metrics()))
    machine.run("useradd", "--groups", "crystal-readers", READER)
    machine.run("useradd", "stranger")
    machine.until(
        lambda: (
            station.machine.run("test", "-e", "/var/lib/crystal-monitor/plate.sqlite", check=False).returncode
            == 0
        ),
        "a database",
    )
    station.machine.until(lambda: station.frames() >= 2, "frames")
    return station
