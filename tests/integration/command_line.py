"""The real command line in processes of its own, for tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FORKER = Path(__file__).with_name("command_line_forker.py")
Call = tuple[tuple[object, ...], Mapping[str, str]]
"""Arguments and environment variables."""


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    output: str
    error: str


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """This process's environment without a station's settings; data and sockets of the user's lie in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRYSTAL_MONITOR__")}
    own = {"XDG_DATA_HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PYTHONPATH": str(PROJECT)}
    return {**kept, **own, **variables}


def start(folder: Path, *arguments: object, **variables: str) -> subprocess.Popen[str]:
    """Start `crystal-monitor ARGUMENTS` in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-m", "monitor.cli", *map(str, arguments)],
        cwd=folder,
        env=environment(folder, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, *arguments: object, timeout_s: float = 150.0, **variables: str) -> Answer:
    """Run `crystal-monitor ARGUMENTS` in `folder` to its end."""
    with start(folder, *arguments, **variables) as process:
        try:
            output, error = process.communicate(timeout=timeout_s)
        except BaseException:
            process.kill()
            raise
    return Answer(process.returncode, output, error)


def run_all(folder: Path, calls: Mapping[str, Call]) -> dict[str, Answer]:
    """Run many commands in `folder`, each in a process of its own, forked from one that has imported the libraries."""
    jobs = [
        {"arguments": [str(word) for word in arguments], "environment": environment(folder, **variables)}
        for arguments, variables in calls.values()
    ]
    ended = subprocess.run(
        [sys.executable, str(FORKER), str(folder)],
        input=json.dumps(jobs),
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answers = [Answer(**answer) for answer in json.loads(ended.stdout)]
    return dict(zip(calls, answers, strict=True))
