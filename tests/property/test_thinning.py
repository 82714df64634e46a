"""Whatever the trail: what was left out lies within its tolerance of the line between its neighbours that are kept."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from monitor.store.thinning import kept_points, noise

VALUES = some.floats(-1e4, 1e4, width=32)


@given(data=some.data(), count=some.integers(1, 400))
def test_every_point_that_is_left_out_is_within_its_tolerance(data: some.DataObject, count: int) -> None:
    steps = data.draw(arrays.arrays(np.float64, count, elements=some.floats(0.1, 100.0)))
    values = data.draw(arrays.arrays(np.float64, (3, count), elements=VALUES))
    tolerances = data.draw(arrays.arrays(np.float64, (3, count), elements=some.floats(0.0, 5e3, width=32)))
    forced = data.draw(arrays.arrays(np.bool_, count))
    times_s = np.cumsum(steps)
    kept = kept_points(times_s, values, tolerances, forced)
    assert kept[0]
    assert kept[-1]
    assert kept[forced].all()
    for value, tolerance in zip(values, tolerances, strict=True):
        drawn = np.interp(times_s, times_s[kept], value[kept])
        assert (np.abs(drawn - value) <= tolerance * (1 + 1e-9) + 1e-6).all()


def test_a_noisy_course_is_thinned_and_a_steady_one_much_more() -> None:
    chance = np.random.default_rng(1)
    times_s = np.arange(2_000.0) * 10
    course = 100.0 + 0.05 * times_s
    nothing = np.zeros(times_s.size, bool)
    tolerances = np.full((1, times_s.size), 1.0)
    assert kept_points(times_s, course[None], tolerances, nothing).sum() < 20
    noisy = course + chance.normal(0, 2.0, times_s.size)
    found = noise(noisy)
    assert 1.8 < found < 2.2
    assert kept_points(times_s, noisy[None], tolerances, nothing).sum() > 500, (
        "the control: noise hides no shape"
    )
    assert kept_points(times_s, noisy[None], np.full((1, times_s.size), 3 * found), nothing).sum() < 300


def test_a_value_that_is_not_finite_stays_and_spoils_nothing() -> None:
    times_s = np.arange(9.0)
    values = times_s.copy()
    values[4] = np.nan
    kept = kept_points(times_s, values[None], np.full((1, 9), 0.1), np.zeros(9, bool))
    assert kept[4]
    assert kept.sum() < 9
