"""How the tests are spread over processes (`make test`): which go together, in which order, and how many processes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

QUICK = ("tests/unit/", "tests/property/", "tests/contract/")
"""First, so that a fault shows early."""
ONE_MACHINE = "tests/deploy/"
"""What shares a machine of its own with a real systemd: booted once."""
ALONE_LONG = (
    "tests/accuracy/test_change_gate.py",
    "tests/integration/test_kill.py",
    "tests/soak/test_soak.py",
)
"""Long tests that share nothing: each may run beside the others of its file."""
MOST_PROCESSES = 8
"""More would have to share one disk and one address space of ports, and each takes a gigabyte."""


class ByFile(LoadScopeScheduling):
    """The tests of a file go together, for what they share; files in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ALONE_LONG):
            return nodeid
        return ONE_MACHINE if nodeid.startswith(ONE_MACHINE) else nodeid.split("::", 1)[0]

    def remove_node(self, node: WorkerController) -> str | None:
        """The test in whose course a process died, if it did: it has failed, and is not run again, as xdist would."""
        work = self.assigned_work[node]
        died = next((test for tests in work.values() for test, done in tests.items() if not done), None)
        for file, tests in list(work.items()):
            if died in tests:
                tests[died] = True
            if all(tests.values()):
                del work[file]
        super().remove_node(node)
        return died


def in_good_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The quick rooms first, then the files that may take longest: none is left over at the end for one process."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.split("::", 1)[0], []).append(item)

    def late(file: str) -> tuple[bool, float]:
        return not file.startswith(QUICK), -max(map(_time_limit_s, files[file]))

    return [item for file in sorted(files, key=late) for item in files[file]]


def processes(cores: int) -> int:
    """Many tests wait for processes that they started: one more than cores."""
    return min(cores + 1, MOST_PROCESSES)


def cores(limit: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use: a container's share of them may be less than it sees."""
    seen = len(os.sched_getaffinity(0))
    try:
        quota_us, period_us = limit.read_text().split()
    except OSError:
        return seen
    return seen if quota_us == "max" else max(1, min(seen, int(quota_us) // int(period_us)))


def without_lone_surrogates(value: Any) -> Any:
    """A report as it can go from process to process: what is no text, such as a name that is not UTF-8, is escaped."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {without_lone_surrogates(key): without_lone_surrogates(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(without_lone_surrogates(each) for each in value)
    return value


def _time_limit_s(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0] if mark else item.config.getini("timeout") or 0)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    return processes(cores())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = in_good_order(items)


def how_it_ended(process: subprocess.Popen[bytes]) -> str:
    """How a process that answers no more ended, in words."""
    try:
        code = process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        return f"process {process.pid} still runs: its pipe was closed"
    if code < 0:
        return f"process {process.pid} was ended by {signal.Signals(-code).name}"
    return f"process {process.pid} ended with exit code {code}"


def pytest_testnodedown(node: WorkerController, error: object) -> None:
    """Says what xdist leaves out: a process that was killed, one that ended itself, or one that lost its pipe."""
    if error:
        reporter = node.config.pluginmanager.getplugin("terminalreporter")
        reporter.write_line(f"[{node.gateway.id}] {how_it_ended(node.gateway._io.popen)}")


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Iterator[Any]:
    return without_lone_surrogates((yield))
