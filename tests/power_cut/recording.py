"""Runs a command with the recorder in it; skips, visibly, where there is no C compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
_SOURCE = Path(__file__).with_name("recorder.c")


def compile_recorder(folder: Path) -> Path:
    """The shared object that processes are started with."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("power cuts are recorded with a small C library: apt-get install gcc libc6-dev")
    target = folder / "recorder.so"
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", str(target), str(_SOURCE), "-ldl"], check=True)
    return target


def recorded_environment(recorder: Path, folder: Path, log: Path) -> dict[str, str]:
    """With this a process writes down what it asks of `folder`."""
    return os.environ | {
        "LD_PRELOAD": str(recorder),
        "POWER_CUT_FOLDER": str(folder),
        "POWER_CUT_LOG": str(log),
        "PYTHONPATH": str(PROJECT),
    }
