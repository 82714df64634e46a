"""A stage that fails took its time as well."""

from __future__ import annotations

import time
from typing import NoReturn

import numpy as np

from engine.errors import BackendError
from monitor.analysis.pipeline import FieldPipeline
from monitor.analysis.restoring import fresh_state
from monitor.clock import Instant
from monitor.frame import Frame, TimeSource
from monitor.records import EventKind, FrameStatus
from monitor.settings.station import StationSettings


class BrokenSegmenter:
    """Works for a while, and fails."""

    def segment(self, image: np.ndarray, *, stream: str = "main", at_s: float | None = None) -> NoReturn:
        time.sleep(0.05)
        raise BackendError("The card has no memory left. Let smaller frames come.")

    def forget(self, stream: str | None = None) -> None:
        pass


def test_the_time_of_a_failed_segmentation_counts() -> None:
    settings = StationSettings()
    pipeline = FieldPipeline("main", settings, BrokenSegmenter(), fresh_state(settings))
    image = np.random.default_rng(1).integers(80, 160, (96, 128)).astype(np.uint8)
    frame = Frame(image, "0" * 32, 1, Instant(10**9), TimeSource.SIMULATED, 0.5)
    result = pipeline.consider(frame, 1.0)
    assert result.quality.status is FrameStatus.FAILED
    assert [event.kind for event in result.events] == [EventKind.ENGINE_FAILED]
    assert pipeline.timings_s["segmentation"] >= 0.045
