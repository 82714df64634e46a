"""The supervisor: who stopped a child, and why, decides whether it is started again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.integration.live_station import LiveStation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_a_grabber_that_somebody_stopped_is_started_again(short_folder: Path) -> None:
    with LiveStation(short_folder) as station:
        station.wait_for_frames(3)
        before = station.kill("grab", signal.SIGTERM)
        station.until(lambda: station.process_id("grab") != before, "the grabber starts again")
        station.wait_for_frames(3)
