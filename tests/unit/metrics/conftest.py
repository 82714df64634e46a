"""Metrics of a station without a station."""

from __future__ import annotations

import pytest

from monitor.clock import SystemClock
from monitor.metrics import StationIdentity, StationMetrics, StoreFigures, StreamFigures

IDENTITY = StationIdentity("test", "1.2", "simulated", "latest", "default", "0" * 64, 0.0)
STREAM = StreamFigures(True, True, 0, 1, 0, {"lost": 0, "superseded": 3}, {"grabbed": 7})


@pytest.fixture
def metrics() -> StationMetrics:
    return StationMetrics(SystemClock(), IDENTITY, lambda: STREAM, StoreFigures)
