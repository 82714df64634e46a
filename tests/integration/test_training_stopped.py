"""A training that is stopped says how it goes on, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_it_says_how_it_goes_on(tmp_path, how, code):
    command = [
        "first-weights",
        "--out",
        str(tmp_path / "run"),
        "--width",
        "4",
        "--threads",
        "1",
        "--workers",
        "1",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "train", *command],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CRYSTAL_MONITOR_SHARED_DATA": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 90
    made = psutil.Process(process.pid)
    while not (tmp_path / "run" / "log.csv").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = made.children(recursive=True)
    assert children  # the control: a process makes crops
    process.send_signal(how)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == code
    assert said.splitlines()[-1] == "stopped: the same command with --resume goes on from there"
    assert "Traceback" not in said
    assert "resource_tracker" not in said
    assert psutil.wait_procs(children, timeout=10)[1] == []
