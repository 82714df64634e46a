"""Identities hold while the view drifts, is pushed, or shakes."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.measure import measure
from monitor.settings.measuring import MeasuringSettings
from monitor.settings.tracking import TrackingSettings
from monitor.tracker import TrackerInput, TrackerState, step
from monitor.tracker.identities import moved

Discs = Callable[..., NDArray[np.int32]]


def dense(
    seed: int, size: tuple[int, int] = (400, 300), count: int = 120
) -> list[tuple[float, float, float]]:
    """Discs that do not overlap, most of them near another."""
    rng = np.random.default_rng(seed)
    bodies: list[tuple[float, float, float]] = []
    while len(bodies) < count:
        x, y = rng.uniform(20, size[0] - 20), rng.uniform(20, size[1] - 20)
        radius = rng.uniform(3, 9)
        if all(np.hypot(x - a, y - b) > radius + c + 3 for a, b, c in bodies):
            bodies.append((x, y, radius))
    return bodies


def by_label(film, at: int = -1) -> dict[int, int]:
    return {point.observation.label: point.crystal_id for point in film.steps[at].updated}


@pytest.mark.parametrize("push", [(15, 0), (-11, 10), (0, 40), (3, -2)])
def test_the_whole_view_pushed_at_once(film, discs: Discs, push: tuple[int, int]) -> None:
    bodies = dense(1)
    film.show(discs(bodies, (500, 400)), times=2)
    film.show(discs([(x + push[0], y + push[1], radius) for x, y, radius in bodies], (500, 400)))
    assert (film.steps[-1].shift_x_px, film.steps[-1].shift_y_px) == pytest.approx(push, abs=0.3)
    first, last = by_label(film, 0), by_label(film)
    kept = [label for label in last if first[label] == last[label]]
    inside = [label for label in last if label in first]
    assert len(kept) == len(inside)
    assert len(kept) >= 0.9 * len(bodies)


def test_two_crystals_are_pushed_with_the_hint_of_the_whole_image(discs: Discs) -> None:
    bodies = [(60.0, 60.0, 5.0), (90.0, 60.0, 5.0)]
    before_HW, after_HW = discs(bodies), discs([(x + 30, y, r) for x, y, r in bodies])
    for hint, expected in ((None, {1: 3, 2: 1}), (30.0, {1: 1, 2: 2})):
        state = TrackerState()
        for index, labels_HW in enumerate((before_HW, before_HW, after_HW)):
            seen = measure(labels_HW, None, None, None, MeasuringSettings())
            drift = hint if index == 2 else 0.0
            given = TrackerInput(index, index * 10.0, labels_HW, seen, drift, 0.0)
            state, result = step(state, given, TrackingSettings())
        numbers = {point.observation.label: point.crystal_id for point in result.updated}
        assert (numbers == expected) is (hint is not None), "without the hint one is taken for the other"
        if hint is not None:
            assert numbers == expected


def test_slow_drift_under_a_hidden_crystal_does_not_add_up(film, discs: Discs) -> None:
    bodies = [*dense(2, (300, 200), 40), (340.0, 100.0, 6.0)]
    for frame in range(20):
        drifted = [(x + 0.4 * frame, y - 0.3 * frame, radius) for x, y, radius in bodies]
        missing = 3 <= frame < 18
        film.show(discs(drifted[:-1] if missing else drifted, (400, 300)), interval_s=2.0)
    assert by_label(film) == by_label(film, 0)


def test_a_static_field_with_noise_switches_no_identity(film, discs: Discs) -> None:
    bodies = dense(3)
    rng = np.random.default_rng(4)
    for _ in range(30):
        noisy = [
            (x + rng.normal(0, 0.5), y + rng.normal(0, 0.5), radius + rng.normal(0, 0.4))
            for x, y, radius in bodies
            if rng.random() > 0.05
        ]
        labels_HW = discs(noisy, (400, 300))
        film.show(labels_HW)
    truth = np.array([(x, y) for x, y, _ in bodies])
    owner: dict[int, int] = {}
    for result in film.steps:
        for point in result.updated:
            here = np.array([point.observation.centroid_x_px, point.observation.centroid_y_px])
            body = int(np.argmin(np.hypot(*(truth - here).T)))
            assert owner.setdefault(point.crystal_id, body) == body, "a number went over to another crystal"
    assert film.ends() == {}
    late = [number for number in film.numbers() if number > len(film.steps[0].updated)]
    assert len(late) <= 0.1 * len(bodies), "only those that were missing in the first frame"


def test_a_quickly_growing_nucleus_keeps_its_number(film, discs: Discs) -> None:
    film.show(discs([]))
    for radius in (1.5, 4, 7, 12, 18, 27, 40):
        film.show(discs([(90, 80, radius)]))
    assert film.numbers() == [1]
    assert film.state.next_id == 2


def test_moved_shifts_and_fills_with_background() -> None:
    labels_HW = np.arange(1, 13, dtype=np.int32).reshape(3, 4)
    np.testing.assert_array_equal(moved(labels_HW, 1, -1), [[0, 5, 6, 7], [0, 9, 10, 11], [0, 0, 0, 0]])
    np.testing.assert_array_equal(moved(labels_HW, 9, 0), np.zeros((3, 4)))
    assert cv2.countNonZero(moved(labels_HW, 0, 0).astype(np.uint8)) == 12
