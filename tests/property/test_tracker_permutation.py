"""Properties of the tracker over random scenes: the labels' numbers do not matter, nor does a restart."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitor.measure import measure
from monitor.records import TrackerStep
from monitor.settings.measuring import MeasuringSettings
from monitor.settings.tracking import TrackingSettings
from monitor.tracker import TrackerInput, TrackerState, step

FRAMES = 12
Labels = NDArray[np.int32]


def film(seed: int) -> list[Labels]:
    """Discs on 240×180 px that grow, drift, flicker, touch, fuse and vanish."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 25))
    centres = rng.uniform((0, 0), (240, 180), (count, 2))
    radii = rng.uniform(3, 10, count)
    rates = rng.normal(0.2, 0.5, count)
    drift = rng.normal(0, 2, 2)
    frames = []
    for index in range(FRAMES):
        image = np.zeros((180, 240), np.int32)
        for label in range(count):
            radius = radii[label] + rates[label] * index + rng.normal(0, 0.2)
            if radius < 2 or rng.random() < 0.08:
                continue
            x, y = centres[label] + drift * index + rng.normal(0, 0.4, 2)
            cv2.circle(image, (round(x), round(y)), round(radius), label + 1, -1)
        if rng.random() < 0.3:
            bodies = cv2.connectedComponents((image > 0).astype(np.uint8), connectivity=8)[1]
            image = np.asarray(bodies, np.int32)
        frames.append(image)
    return frames


def advance(state: TrackerState, index: int, labels_HW: Labels) -> tuple[TrackerState, TrackerStep]:
    seen = measure(labels_HW, None, None, None, MeasuringSettings())
    return step(state, TrackerInput(index, 10.0 * index, labels_HW, seen), TrackingSettings())


def facts(result: TrackerStep) -> tuple[object, ...]:
    """All that a step says, labels left out."""
    points = [
        (
            point.crystal_id,
            point.confirmed,
            point.fit_for_growth,
            point.observation.area_px,
            point.observation.centroid_x_px,
            point.observation.centroid_y_px,
        )
        for point in result.updated
    ]
    return (
        points,
        result.born,
        result.ended,
        result.events,
        result.dropped,
        result.shift_x_px,
        result.shift_y_px,
    )


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_labels_numbers_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plain, shuffled = TrackerState(), TrackerState()
    for index, labels_HW in enumerate(film(seed)):
        names = np.concatenate(([0], rng.permutation(500)[: labels_HW.max()] + 1)).astype(np.int32)
        plain, one = advance(plain, index, labels_HW)
        shuffled, other = advance(shuffled, index, names[labels_HW])
        assert facts(one) == facts(other)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_restart_between_all_frames_changes_nothing(seed: int) -> None:
    steady, restarted = TrackerState(), TrackerState()
    for index, labels_HW in enumerate(film(seed)):
        steady, one = advance(steady, index, labels_HW)
        restarted, other = advance(restarted, index, labels_HW)
        assert facts(one) == facts(other)
        restarted = TrackerState.restore(restarted.to_json(), restarted.identities_HW)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_books_balance(seed: int) -> None:
    state = TrackerState()
    begun: set[int] = set()
    over: set[int] = set()
    for index, labels_HW in enumerate(film(seed)):
        state, result = advance(state, index, labels_HW)
        numbers = [point.crystal_id for point in result.updated]
        labels = [point.observation.label for point in result.updated]
        loose = {each.label for each in result.unresolved}
        assert len(set(numbers)) == len(numbers)
        assert len(set(labels)) == len(labels)
        assert loose.isdisjoint(labels)
        assert loose | set(labels) == set(np.unique(labels_HW).tolist()) - {0}
        assert over.isdisjoint(numbers), "an ended trail has a point"
        born = {birth.crystal_id for birth in result.born}
        assert begun.isdisjoint(born), "a trail was born twice"
        begun |= born
        assert {point.crystal_id for point in result.updated if point.confirmed} <= begun
        over |= {end.crystal_id for end in result.ended} | set(result.dropped)
        assert not over & {trail.crystal_id for trail in state.trails}
        assert all(trail.crystal_id < state.next_id for trail in state.trails)
