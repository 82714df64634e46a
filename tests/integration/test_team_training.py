"""Two processes that train together take the steps that one takes with the whole batch, and may be killed."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from train import checkpoint
from train.loop import CHECKPOINT_NAME, LOG_NAME, VALIDATION_NAME

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / "tests" / "team_training.py")
TOLERANCE = 2e-3
"""Of a loss relative to one process's, over twelve steps: numbers are added in another order."""


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)


def _two(*arguments: str) -> subprocess.CompletedProcess[str]:
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    return _run(*torchrun, *arguments)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.timeout(600)
def test_two_processes_train_as_one_and_go_on_after_a_kill(tmp_path):
    alone = _run(sys.executable, SCRIPT, str(tmp_path / "alone"))
    assert alone.returncode == 0, alone.stderr
    killed = _two(SCRIPT, str(tmp_path / "two"), "dies")
    assert killed.returncode != 0  # the control: it was killed before its end
    assert checkpoint.load(tmp_path / "two" / CHECKPOINT_NAME).step == 6
    two = _two(SCRIPT, str(tmp_path / "two"))
    assert two.returncode == 0, two.stderr
    for name, column in ((LOG_NAME, "loss"), (VALIDATION_NAME, "value")):
        expected, found = (
            [float(row[column]) for row in _rows(tmp_path / who / name)] for who in ("alone", "two")
        )
        assert len(expected) == (12 if name == LOG_NAME else 2)
        assert found == pytest.approx(expected, rel=TOLERANCE)
    whole, dealt = (checkpoint.load(tmp_path / who / CHECKPOINT_NAME) for who in ("alone", "two"))
    assert dealt.step == 12
    # statistics are those of the whole batch, not of a process's half
    norm = "encoder.0.first_norm.running_var"
    assert torch.allclose(dealt.network[norm], whole.network[norm], rtol=2e-2)


@pytest.mark.timeout(300)
def test_a_command_that_is_no_training_is_refused():
    once = _two("-m", "train", "networks")
    assert once.returncode != 0
    assert "one process" in once.stderr
