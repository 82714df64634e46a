"""Credentials of an installed station, outside of its service: root reads what the unit is given."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli.alert_trial import test_alert as trial  # pytest would take its own name for a test
from monitor.clock import SystemClock
from monitor.errors import SettingsError
from monitor.service.doctor import Finding, Grade
from monitor.service.doctor.station import look_at_station
from monitor.service.station_status import station_status
from monitor.settings import loading
from monitor.settings.loading import load_settings
from monitor.settings.secrets import secrets_in

NOBODY = 65_534
WORD = "http://127.0.0.1:1/correct-horse"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not")


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Settings where an installation has them, with a sink whose address is a credential."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "secrets").mkdir(mode=0o700)
        monkeypatch.setattr(loading, "CONFIG_FOLDER", folder)
        monkeypatch.setattr(loading, "SECRETS_FOLDER", folder / "secrets")
        path = folder / "bench.toml"
        path.write_text(
            f'[stream]\nendpoint = "ipc://{made}/frames.ipc"\n[storage]\ndatabase = "sqlite:///{made}/t.sqlite"\n'
            '[[alerts.sinks]]\nkind = "webhook"\nname = "lab"\noptions = { url = { credential = "lab-url" } }\n'
        )
        yield path


def put(config: Path, mode: int = 0o600) -> Path:
    path = config.parent / "secrets" / "lab-url"
    path.write_text(f"{WORD}\n")
    path.chmod(mode)
    return path


def read(config: Path) -> str:
    ((_, secret),) = secrets_in(load_settings(config))
    try:
        return secret.read().get_secret_value()
    except SettingsError as refusal:
        return str(refusal)


def by_nobody(question: Callable[[], str]) -> str:
    """What another user is told: from a child process that becomes one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.write(writing, question().encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return told


def findings(config: Path) -> dict[str, Finding]:
    settings = load_settings(config)
    found = look_at_station(settings, station_status(settings), SystemClock())
    return {finding.check: finding for finding in found}


def test_root_reads_what_the_unit_is_given(config: Path, tmp_path: Path) -> None:
    path = put(config)
    assert read(config) == WORD
    path.chmod(0o640)
    assert f"chmod 600 {path}" in read(config), "the group is nobody that systemd let in"
    path.unlink()
    assert f"sudo install -D -m 600 FILE {path}" in read(config)
    elsewhere = tmp_path / "bench.toml"
    elsewhere.write_text(config.read_text())
    assert "LoadCredential=lab-url:PATH" in read(elsewhere), "no other settings file means those secrets"


def test_the_service_reads_what_systemd_gave_it(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(config)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "lab-url").write_text("given by systemd")
    (tmp_path / "lab-url").chmod(0o400)
    assert read(config) == "given by systemd"


@as_root
def test_another_user_is_told_to_be_root(config: Path) -> None:
    put(config)
    assert read(config) == WORD, "the control: root may"
    assert "run it as root (sudo)" in by_nobody(lambda: read(config))


def test_an_alert_is_tried_with_the_secret(config: Path) -> None:
    missing = CliRunner().invoke(trial, [str(config)])
    assert missing.exit_code == 2
    assert "sudo install -D -m 600" in missing.output
    put(config)
    answer = CliRunner().invoke(trial, [str(config)])
    assert answer.exit_code == 1, "nobody listens at that address"
    assert "LoadCredential" not in answer.output


def test_the_doctor_looks_at_the_file(config: Path) -> None:
    check, sink = '[[alerts.sinks]] "lab", options.url', '[[alerts.sinks]] "lab"'
    path = put(config)
    found = findings(config)
    assert (found[check].grade, found[sink].grade) == (Grade.OK, Grade.OK), found
    path.chmod(0o644)
    assert findings(config)[check].remedy.startswith(f"chmod 600 {path}")
    path.unlink()
    found = findings(config)
    assert found[check].grade is found[sink].grade is Grade.FAIL
    assert "sudo install" in found[check].remedy


@as_root
def test_the_doctor_of_another_user_does_not_cry_wolf(config: Path) -> None:
    put(config)
    told = by_nobody(
        lambda: "\n".join(
            f"{name}|{found.grade.value}|{found.remedy}"
            for name, found in findings(config).items()
            if name.startswith("[[alerts.sinks]]")
        )
    ).splitlines()
    assert len(told) == 2
    assert all("|warn|run it as root" in line for line in told), told
