"""Runs many command lines, each in a forked process: what takes seconds to import is imported once.

Argument: the working folder. Jobs come as JSON on standard input, answers go as JSON to standard output.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

# What the commands import before they say anything; nothing of it starts a thread.
import cv2  # noqa: F401
import scipy.ndimage  # noqa: F401
import sqlalchemy  # noqa: F401

import monitor.alerts
import monitor.analysis.opening
import monitor.camera
import monitor.cli
import monitor.cli.control
import monitor.completion
import monitor.kinetics
import monitor.settings.loading
import monitor.store

LONGEST_S = 120


def main() -> None:
    folder = Path(sys.argv[1])
    answers = [answer(job, folder) for job in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


def answer(job: dict[str, Any], folder: Path) -> dict[str, int | str]:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as error:
        child = os.fork()
        if child == 0:
            signal.alarm(LONGEST_S)
            os.dup2(output.fileno(), 1)
            os.dup2(error.fileno(), 2)
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(job["environment"])
            sys.path[:0] = job["environment"]["PYTHONPATH"].split(os.pathsep)
            sys.argv = ["crystal-monitor", *job["arguments"]]
            become(job["environment"])
            leave(main_code())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        error.seek(0)
        return {"code": code, "output": output.read().decode(), "error": error.read().decode()}


def become(environment: dict[str, str]) -> None:
    """Another user, where the job says so; the interpreter's own files may be closed to them from here on."""
    if "TEST_UID" in environment:
        group = int(environment["TEST_GID"])
        os.setgroups([])
        os.setresgid(group, group, group)
        user = int(environment["TEST_UID"])
        os.setresuid(user, user, user)


def main_code() -> int:
    try:
        monitor.cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the interpreter itself would print the trace and end with 1
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
