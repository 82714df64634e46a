"""The tracker on published labels of coarsening ice: dense, touching, small crystals vanish.

Linking the labels of consecutive frames at an intersection over union above 0.3, and nothing else, is the
yardstick: the tracker must follow no fewer crystals to the end, although it counts a merged body as a new
crystal, which linking does not. What it cannot follow must have an end with a reason.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.measure import measure
from monitor.records import TrackerStep
from monitor.settings.measuring import MeasuringSettings
from monitor.settings.tracking import TrackingSettings
from monitor.tracker import TrackerInput, TrackerState, step
from monitor.tracker.overlap import find_overlaps

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

INTERVAL_S = 10.0
Labels = NDArray[np.int32]


@pytest.fixture(scope="module")
def frames(shared_data: Path) -> list[Labels]:
    files = sorted((shared_data / "ice-coarsening" / "labels").glob("frame_*.png"))
    assert len(files) == 32
    return [np.asarray(cv2.imread(str(file), cv2.IMREAD_UNCHANGED)).astype(np.int32) for file in files]


@pytest.fixture(scope="module")
def steps(frames: list[Labels]) -> list[TrackerStep]:
    state, results = TrackerState(), []
    for index, labels_HW in enumerate(frames):
        seen = measure(labels_HW, None, None, 0.44, MeasuringSettings())
        state, result = step(
            state, TrackerInput(index, index * INTERVAL_S, labels_HW, seen), TrackingSettings()
        )
        results.append(result)
    return results


def linked(frames: list[Labels], start: int) -> int:
    """How many crystals of frame `start` plain linking follows to the last frame."""
    alive = set(np.unique(frames[start])[1:].tolist())
    followed = {label: label for label in alive}
    for before_HW, after_HW in zip(frames[start:], frames[start + 1 :], strict=False):
        every = np.arange(-1, max(before_HW.max(), after_HW.max()), dtype=np.int64)
        pairs = find_overlaps(before_HW, after_HW, np.arange(1, every.size), every)
        good = np.flatnonzero(pairs.iou > 0.3)
        best: dict[int, int] = {}
        taken: set[int] = set()
        for at in good[np.argsort(-pairs.iou[good])]:
            before, after = int(pairs.trail[at]) + 1, int(pairs.seen[at]) + 1
            if before not in best and after not in taken:
                best[before] = after
                taken.add(after)
        followed = {first: best[now] for first, now in followed.items() if now in best}
    return len(followed)


def numbers(result: TrackerStep) -> set[int]:
    return {point.crystal_id for point in result.updated if point.confirmed}


@pytest.mark.parametrize(("start", "slack"), [(8, 0.98), (21, 0.99)])
def test_as_many_are_followed_to_the_end_as_by_plain_linking(
    frames: list[Labels], steps: list[TrackerStep], start: int, slack: float
) -> None:
    followed = len(numbers(steps[start]) & numbers(steps[-1]))
    assert followed >= slack * linked(frames, start)


def test_hardly_any_crystal_is_born_where_none_can_be(steps: list[TrackerStep]) -> None:
    kinds = Counter(birth.kind.value for result in steps[1:] for birth in result.born)
    present = len(steps[0].born)
    assert present > 3000
    assert kinds["born"] <= 0.01 * present


def test_every_label_is_accounted_for_and_the_ends_have_reasons(
    frames: list[Labels], steps: list[TrackerStep]
) -> None:
    for labels_HW, result in zip(frames, steps, strict=True):
        accounted = [point.observation.label for point in result.updated]
        accounted += [each.label for each in result.unresolved]
        assert sorted(accounted) == np.unique(labels_HW)[1:].tolist()
    reasons = Counter(end.reason.value for result in steps for end in result.ended)
    assert reasons["dissolved"] > reasons["merged"]
    assert reasons["dissolved"] > 1000


def test_unresolved_bodies_are_few_once_the_field_is_slow(steps: list[TrackerStep]) -> None:
    for result in steps[10:]:
        assert len(result.unresolved) <= 0.02 * len(result.updated)


def test_growth_is_not_fitted_where_crystals_touch(steps: list[TrackerStep]) -> None:
    for result in steps:
        assert not any(point.fit_for_growth for point in result.updated if point.observation.in_contact)
