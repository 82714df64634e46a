"""A stage that fails took its time as well."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NoReturn

import numpy as np

from engine.errors import BackendError
from monitor.analysis.pipeline import FieldPipeline
from monitor.analysis.restoring import fresh_state
from monitor.clock import Instant
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.records import EventKind, FrameStatus, RunState
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


def test_a_blind_field_says_for_how_long_while_it_stands_still() -> None:
    settings = StationSettings()
    state = fresh_state(settings)
    state.last_elapsed_s = 10.0
    state.completion = replace(state.completion, started_s=0.0, last_good_s=10.0)
    pipeline = FieldPipeline("main", settings, BrokenSegmenter(), state)
    standing = pipeline.stand_still(5000.0)
    assert standing is not None
    assert standing[0].state is RunState.WAITING, "the control: standing still changes nothing"
    pipeline.consider_failed(FailedFrame("0" * 32, 1, Instant(310 * 10**9), "cut"), 310.0)
    standing = pipeline.stand_still(40.0)
    assert standing is not None
    assert standing[0].state is RunState.BLIND
    assert "No good frame for 340 s" in standing[0].explanation
    assert not standing[0].changed
