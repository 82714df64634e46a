"""`crystal-monitor run` on a terminal: a line every so often, and the summary after Ctrl-C."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tomli_w

from tests.integration.command_line import environment
from tests.integration.live_station import PATIENCE_S, station_tree

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
def test_a_person_sees_how_it_goes_and_what_came_of_it(short_folder: Path) -> None:
    config = short_folder / "station.toml"
    config.write_text(tomli_w.dumps(station_tree(short_folder)), encoding="utf-8")
    controller, terminal = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "monitor.cli", "run", str(config)],
        env=environment(short_folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        try:
            said = read_until(controller, r"6 crystals · [\d.]+% covered")
            assert re.search(r"station test: trails go to sqlite:.*Ctrl-C stops", said)
            assert re.search(r" · \w+ · 6 crystals · .* · openvino", said), said
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            os.close(controller)
    assert process.returncode == 0, said
    summary = output.decode()
    assert summary.startswith("run 1 (the run): "), summary
    assert re.search(r"frames +\d+ ok, 0 failed, 0 rejected", summary)
    assert "look closer: crystal-monitor trails 1" in summary


def read_until(terminal: int, pattern: str) -> str:
    """What the terminal showed up to the pattern."""
    said, end = "", time.monotonic() + PATIENCE_S
    while not re.search(pattern + r".*\n", said):
        assert time.monotonic() < end, f"waited in vain for {pattern!r}:\n{said}"
        if select.select([terminal], [], [], 1.0)[0]:
            said += os.read(terminal, 65_536).decode(errors="replace")
    return said
