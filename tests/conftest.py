"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.kernels.compiling import compile_library, is_current
from tests.parallel import (
    pytest_collection_modifyitems,
    pytest_report_to_serializable,
    pytest_testnodedown,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)
from tests.postgresql_server import throwaway_server

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_report_to_serializable",
    "pytest_testnodedown",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_make_scheduler",
]

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Compile the kernels where the C has changed since: what is tested is what stands here."""
    if not is_current():
        compile_library()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real images; the test is skipped, visibly, where it is missing."""
    folder = Path(os.environ.get("CRYSTAL_MONITOR_SHARED_DATA", PROJECT_ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip("the real images are not here: set CRYSTAL_MONITOR_SHARED_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server for `fresh_database`; a test that stops one starts its own."""
    with throwaway_server() as url:
        yield url
