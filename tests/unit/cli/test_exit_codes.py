"""What a supervisor is told by the exit code."""

from __future__ import annotations

import pytest

import monitor.cli
from monitor.errors import CrystalMonitorError, EngineLostError, SettingsError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("the settings are wrong"), 2),
        (CrystalMonitorError("the disk is full"), 1),
        (EngineLostError("the card is gone"), 3),
    ],
)
def test_errors_have_codes_and_no_trace(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(monitor.cli, "cli", fail)
    with pytest.raises(SystemExit) as caught:
        monitor.cli.main()
    assert caught.value.code == code
    assert capsys.readouterr().err == f"crystal-monitor: {error}\n"
