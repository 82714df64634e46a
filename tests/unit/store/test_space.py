from __future__ import annotations

import pytest

from monitor.store import estimate_space


def test_rows_and_bytes_a_day() -> None:
    """The figures that the settings' description gives."""
    ten_seconds = estimate_space(analysis_interval_s=10.0, crystals=300)
    assert ten_seconds.rows_per_day == pytest.approx(2.6e6, rel=0.01)
    assert ten_seconds.bytes_per_day == pytest.approx(0.73e9, rel=0.03)
    minute = estimate_space(analysis_interval_s=60.0, crystals=300)
    assert minute.rows_per_day == pytest.approx(0.43e6, rel=0.01)
    assert minute.bytes_per_day == pytest.approx(0.12e9, rel=0.03)
