"""A field's pipeline that is restored from the store before every frame says what one that never stopped says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine import Segmentation
from monitor.analysis.fields import Fields
from monitor.clock import NANOSECONDS_PER_SECOND, Instant
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.records import AlertKind, FrameResult, FrameStatus
from monitor.records.run import Run, RunStart
from monitor.settings.simulation import GrowthPhysics, Merging, Nucleation, Optics, SimulationSettings
from monitor.settings.station import StationSettings
from monitor.simulation import SimulatedMicroscope
from monitor.store import SqlTrailStore, open_store

INTERVAL_S = 30.0
FRAMES = 48
DARK = frozenset({11, 12, 30})
FAILED = frozenset({25, 31})
FIELD = SimulationSettings(
    width_px=256,
    height_px=256,
    duration_s=FRAMES * INTERVAL_S,
    habits=("rounded", "prism"),
    growth=GrowthPhysics(rate_um_per_s=0.05, final_coverage=0.3),
    nucleation=Nucleation(rate_per_mm2_s=1.5, order=3, delay_s=100, most_crystals=14),
    merging=Merging(probability=0.5, delay_s=150),
    optics=Optics(out_of_focus=0, dust=0),
)
SETTINGS = StationSettings.model_validate(
    {"completion": {"hold_s": 300.0}, "kinetics": {}, "tracking": {"merge_confirm_frames": 3}}
)
COMPARED = ("status", "fits", "distributions", "completion", "count", "total_area_px", "alerts", "events")


class TruthSegmenter:
    """Finds exactly what the simulation put there, so that only the restart can make a difference."""

    def __init__(self) -> None:
        self._labels: dict[bytes, NDArray[np.int32]] = {}

    def learn(self, image: NDArray[Any], labels_HW: NDArray[np.int32]) -> None:
        self._labels[image.tobytes()] = labels_HW

    def forget(self, stream: str | None = None) -> None: ...

    def segment(
        self,
        image: NDArray[np.uint8] | NDArray[np.uint16],
        *,
        stream: str = "main",
        at_s: float | None = None,
    ) -> Segmentation:
        truth_HW = self._labels[image.tobytes()]
        numbers = [number for number in np.unique(truth_HW) if number and (truth_HW == number).sum() >= 40]
        labels_HW = np.zeros_like(truth_HW)
        for label, number in enumerate(numbers, 1):
            labels_HW[truth_HW == number] = label
        probability_HW = cv2.GaussianBlur((labels_HW > 0).astype(np.float32), (0, 0), 0.7)
        scores = dict.fromkeys(range(1, len(numbers) + 1), 0.9)
        return Segmentation(labels_HW, probability_HW, scores, "truth", {}, 0)


def frames(segmenter: TruthSegmenter) -> Iterator[Frame | FailedFrame]:
    scope = SimulatedMicroscope(FIELD)
    for index in range(FRAMES):
        elapsed_s = index * INTERVAL_S
        shot = scope.at(elapsed_s)
        captured = Instant(round(elapsed_s * NANOSECONDS_PER_SECOND))
        if index in FAILED:
            yield FailedFrame("s" * 32, index, captured, "the camera gave nothing")
            continue
        image = np.zeros_like(shot.image_HW) if index in DARK else shot.image_HW.copy()
        segmenter.learn(image, shot.labels_HW)
        image.flags.writeable = False
        yield Frame(image, "s" * 32, index, captured, TimeSource.INTERVAL, um_per_px=FIELD.um_per_px)


def start_run(store: SqlTrailStore) -> Run:
    return store.start_run(RunStart("restarts", Instant(0), Instant(0), um_per_px=FIELD.um_per_px))


def consider(fields: Fields, run: Run, frame: Frame | FailedFrame) -> FrameResult:
    pipeline = fields.pipeline(run, frame.field, frame.captured)
    elapsed_s = run.elapsed_s(frame.captured)
    if isinstance(frame, FailedFrame):
        return pipeline.consider_failed(frame, elapsed_s)
    # What is compared must not depend on how long the analysis took on this machine.
    return pipeline.consider(frame, elapsed_s)


def told(result: FrameResult) -> dict[str, Any]:
    """What a result says, in comparable form."""
    said = {name: getattr(result, name) for name in COMPARED if name != "status"}
    assert result.state is not None
    return said | {
        "status": result.quality.status,
        "reason": result.quality.reason,
        "tracker": result.tracker,
        "tracker_json": json.loads(result.state.tracker_json),
        "completion_json": json.loads(result.state.completion_json),
        "alerts_json": json.loads(result.state.alerts_json),
        "labels": result.state.labels,
    }


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_restored_before_every_frame_it_says_the_same(tmp_path: Path) -> None:
    segmenter = TruthSegmenter()
    steady_store = open_store(f"sqlite:///{tmp_path}/steady.sqlite", "NORMAL")
    steady_run = start_run(steady_store)
    steady = Fields(SETTINGS, segmenter, steady_store)
    restarted_store = open_store(f"sqlite:///{tmp_path}/restarted.sqlite", "NORMAL")
    start_run(restarted_store)
    alerts: list[AlertKind] = []
    fits = 0
    for index, frame in enumerate(frames(segmenter)):
        expected = consider(steady, steady_run, frame)
        steady_store.append(steady_run, expected)

        if index % 8 == 0:
            restarted_store.close()
            restarted_store = open_store(f"sqlite:///{tmp_path}/restarted.sqlite", "NORMAL")
        run = restarted_store.resume_run()
        assert run is not None
        # Fields of their own know nothing but what the store tells them.
        found = consider(Fields(SETTINGS, segmenter, restarted_store), run, frame)
        restarted_store.append(run, found)

        # The drift to a frame that was never seen by this process is unknown; in a field that stands still it is none.
        found = replace(
            found, quality=replace(found.quality, shift_x_px=expected.quality.shift_x_px,
                                   shift_y_px=expected.quality.shift_y_px)
        )  # fmt: skip
        before, after = told(expected), told(found)
        for name in before:
            assert after[name] == before[name], f"frame {index}: {name} differs"
        if expected.quality.status is FrameStatus.OK and expected.tracker is not None:
            fits += sum(fit is not None for fit in expected.fits)
        alerts += [alert.kind for alert in expected.alerts if alert.raised]
    steady_store.close()
    restarted_store.close()
    assert fits > 10, "the control: growth was fitted"
    assert alerts.count(AlertKind.NUCLEATION) == 1, "the control: the first crystal was told, and told once"


def test_a_restart_remembers_size_and_calibration(tmp_path: Path) -> None:
    segmenter = TruthSegmenter()
    store = open_store(f"sqlite:///{tmp_path}/trails.sqlite")
    run = start_run(store)
    fields = Fields(SETTINGS, segmenter, store)
    shown = [frame for frame, _ in zip(frames(segmenter), range(11), strict=False)]
    for frame in shown[:-2]:
        store.append(run, consider(fields, run, frame))
    again = Fields(SETTINGS, segmenter, store)
    small = shown[-2]
    assert isinstance(small, Frame)
    cut = np.ascontiguousarray(small.image[:200, :180])
    rejected = consider(again, run, replace(small, image=cut))
    assert rejected.quality.reason == "size_changed"
    last = shown[-1]
    assert isinstance(last, Frame)
    changed = consider(Fields(SETTINGS, segmenter, store), run, replace(last, um_per_px=0.25))
    assert [event.kind.value for event in changed.events] == ["calibration_changed"]
    store.close()
