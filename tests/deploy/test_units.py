"""The units and rules as they are shipped: clean for systemd, and exposed as little as promised. Needs no root."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.service.installation.files import SHIPPED_COMMAND
from tests.conftest import PROJECT_ROOT

DEPLOY = PROJECT_ROOT / "deploy/systemd"
SERVICES = ["crystal-monitor@.service", "crystal-grabber@.service", "crystal-backup@.service"]
MOST_EXPOSED = 2.0
DROP_INS = {
    "crystal-monitor@.service": ["monitor-network.conf", "monitor-nvidia.conf", "elsewhere.conf"],
    "crystal-grabber@.service": ["grabber-network.conf", "elsewhere.conf"],
}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a command that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for path in DEPLOY.glob("*@.*"):
        (tmp_path / path.name).write_text(path.read_text().replace(SHIPPED_COMMAND, "/bin/true"))
    return tmp_path


def verify(units: Path) -> str:
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(path) for path in units.glob("*@.*") if path.is_file())],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{done.stdout}{done.stderr}" if done.returncode else done.stdout + done.stderr


def exposure(unit: Path) -> float:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def test_systemd_finds_nothing_to_complain_about(units: Path) -> None:
    assert verify(units) == ""
    (units / SERVICES[0]).write_text((units / SERVICES[0]).read_text() + "\n[Service]\nNoSuchThing=yes\n")
    assert "NoSuchThing" in verify(units), "the control: it would complain"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_hardly_exposed(units: Path, name: str) -> None:
    assert exposure(units / name) <= MOST_EXPOSED
    bare = units / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    assert exposure(bare) > 9, "the control: a service without hardening"


@pytest.mark.parametrize(
    ("name", "drop_in"), [(name, one) for name, all_ in DROP_INS.items() for one in all_]
)
def test_a_drop_in_opens_what_it_says_and_little_more(units: Path, name: str, drop_in: str) -> None:
    closed = exposure(units / name)
    # Analysed offline, drop-ins count only where they stand in the unit itself.
    (units / name).write_text(f"{(units / name).read_text()}\n{(DEPLOY / 'dropins' / drop_in).read_text()}")
    assert verify(units) == ""
    assert closed <= exposure(units / name) <= MOST_EXPOSED


def test_every_drop_in_is_named_here() -> None:
    known = {one for all_ in DROP_INS.values() for one in all_} | {"backoff.conf"}  # needs systemd 254
    assert {path.name for path in (DEPLOY / "dropins").iterdir()} == known


def test_device_rules_are_well_formed() -> None:
    text = (DEPLOY / "udev/70-crystal-camera.rules").read_text()
    rules = [line for line in text.splitlines() if line and not line.startswith("#")]
    term = r'[A-Z]+(\{[A-Za-z_]+\})?(==|!=|\+=|=)"[^"]*"'
    assert all(re.fullmatch(rf"{term}(, {term})*", rule) for rule in rules)
    assert text.count('GOTO="crystal_camera_end"') == text.count('LABEL="crystal_camera_end"') == 1
    assert any('SYMLINK+="crystal-camera/$env{ID_SERIAL_SHORT}"' in rule for rule in rules)
