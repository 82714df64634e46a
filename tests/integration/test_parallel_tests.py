"""`make test` spreads the tests over processes: none is lost, and one that ends its process has failed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import parallel

DYING = """
import os

def test_before(): pass
def test_ends_its_process(): os._exit(3)
def test_after(): pass
"""
FAILING = """
import logging, time, pytest

@pytest.mark.timeout(1)
def test_hangs(): time.sleep(60)
def test_fails_with_what_is_no_text():
    logging.getLogger("x").error("a \\udcff")
    assert False, "b \\udcfe"
"""
QUICK = "def test_quick(): pass\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of three files of tests, spread as ours are."""
    tests = tmp_path / "tests"
    (tests / "unit").mkdir(parents=True)
    shutil.copy(parallel.__file__, tests)
    hooks = [name for name in vars(parallel) if name.startswith("pytest_")]
    (tests / "conftest.py").write_text(f"from tests.parallel import {', '.join(hooks)}\n")
    (tests / "test_a_dying.py").write_text(DYING)
    (tests / "test_b_failing.py").write_text(FAILING)
    (tests / "unit" / "test_c_quick.py").write_text(QUICK)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 120\naddopts = -ra --import-mode=importlib\n")
    return tmp_path


def run_pytest(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "tests"],
        cwd=project,
        env=inherited | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_test_is_lost_and_one_that_dies_is_told(project: Path) -> None:
    done = run_pytest(project, "-n", "2")
    assert done.returncode == 1, done.stdout
    assert "3 failed, 3 passed" in done.stdout.splitlines()[-1], done.stdout
    assert done.stdout.count("FAILED tests/test_a_dying.py::test_ends_its_process") == 1, done.stdout
    assert "crashed while running 'tests/test_a_dying.py::test_ends_its_process'" in done.stdout
    assert "ended with exit code 3" in done.stdout
    assert "FAILED tests/test_b_failing.py::test_hangs - Failed: Timeout (>1" in done.stdout
    assert "AssertionError: b \\udcfe" in done.stdout


def test_quick_tests_come_first_then_what_may_take_longest(project: Path) -> None:
    (project / "tests" / "test_z_long.py").write_text(
        "import pytest\n@pytest.mark.timeout(300)\ndef test_long(): pass\n"
    )
    collected = [
        line for line in run_pytest(project, "--collect-only", "-q").stdout.splitlines() if "::" in line
    ]
    assert list(dict.fromkeys(line.split("::")[0] for line in collected)) == [
        "tests/unit/test_c_quick.py",
        "tests/test_z_long.py",
        "tests/test_a_dying.py",
        "tests/test_b_failing.py",
    ]


def test_there_is_one_process_more_than_cores_within_reason(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert parallel.cores(tmp_path / "cpu.max") == parallel.cores(tmp_path / "none") >= 1
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    assert parallel.cores(tmp_path / "cpu.max") == 1
    assert parallel.processes(2) == 3
    assert parallel.processes(64) == parallel.MOST_PROCESSES
