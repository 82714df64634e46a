"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real images; the test is skipped, visibly, where it is missing."""
    folder = Path(os.environ.get("CRYSTAL_MONITOR_SHARED_DATA", PROJECT_ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip("the real images are not here: set CRYSTAL_MONITOR_SHARED_DATA to their folder")
    return folder
