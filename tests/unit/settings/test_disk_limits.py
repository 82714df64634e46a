"""The limits on free room, on large disks and on small ones."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from monitor.settings.storage import DiskLimits, DiskSettings


def test_a_large_disk_has_the_limits_as_they_are_set() -> None:
    assert DiskSettings().limits(1e12) == DiskLimits(5e9, 2e9, 5e8)


def test_a_small_disk_has_a_share_of_its_size() -> None:
    assert DiskSettings().limits(1e9) == DiskLimits(1e8, 5e7, 2e7)


def test_limits_must_fall() -> None:
    with pytest.raises(ValidationError, match="the limits must fall"):
        DiskSettings(thin_below_bytes=10_000_000_000)
