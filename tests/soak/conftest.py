"""Fixtures of the soaks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose name leaves room for a socket's path, which pytest's own may not."""
    with tempfile.TemporaryDirectory(prefix="cm-") as folder:
        yield Path(folder)
