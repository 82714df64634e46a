"""The backup's units: what they call exists, and what they may do is little."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from monitor.cli.backup import backup

UNITS = Path(__file__).resolve().parents[2] / "deploy" / "systemd"


def test_the_service_calls_the_command_as_it_is() -> None:
    text = (UNITS / "crystal-backup@.service").read_text(encoding="utf-8")
    (line,) = re.findall(r"^ExecStart=(.+)$", text, flags=re.MULTILINE)
    program, name, *arguments = shlex.split(line.replace("%i", "lab"))
    assert (program.rpartition("/")[2], name) == ("crystal-monitor", backup.name)
    given = backup.make_context("backup", arguments).params
    assert (str(given["target"]), given["keep"]) == ("/var/lib/crystal-monitor-backups/lab", 14)
    assert str(given["config"]) == "/etc/crystal-monitor/lab.toml"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_units_are_safe_and_clean(tmp_path: Path) -> None:
    unit = str(UNITS / "crystal-backup@.service")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout
    for suffix in ("service", "timer"):
        text = (UNITS / f"crystal-backup@.{suffix}").read_text(encoding="utf-8")
        text = text.replace("/opt/crystal-monitor/bin/crystal-monitor", "/bin/true")
        (tmp_path / f"crystal-backup@.{suffix}").write_text(text, encoding="utf-8")
    instance = str(tmp_path / "crystal-backup@lab.timer")
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", instance], capture_output=True, text=True, check=False
    )
    ours = [line for line in checked.stderr.splitlines() if "crystal-backup" in line]
    assert (checked.returncode, ours) == (0, []), checked.stderr
