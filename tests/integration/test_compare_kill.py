"""A comparison that is killed goes on where it was, and ends as if it never had been."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _start(folder):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, ROOT / "tests" / "tiny_comparison.py", folder], env=environment)


def _results(folder):
    """Every result without the time it took."""
    found = {
        path.relative_to(folder).as_posix(): json.loads(path.read_text())
        for path in folder.rglob("fold-*.json")
    }
    for result in found.values():
        del result["seconds"]
    return found


@pytest.mark.timeout(400)
def test_killed_in_the_middle_of_runs_it_ends_the_same(tmp_path):
    whole = _start(tmp_path / "whole")
    assert whole.wait(200) == 0
    expected = _results(tmp_path / "whole")
    assert len(expected) == 2
    # one kill while a learning rate is tried, one in the middle of a run
    for moment in ("trials/*/checkpoint.pt", "fold-0-seed-0/checkpoint.pt"):
        process = _start(tmp_path / "killed")
        deadline = time.monotonic() + 100
        while not list((tmp_path / "killed" / "work" / "suspension" / "mask-rcnn").glob(moment)):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        assert len(_results(tmp_path / "killed")) < 2  # the control: it was killed before its end
    assert _start(tmp_path / "killed").wait(200) == 0
    assert _results(tmp_path / "killed") == expected
