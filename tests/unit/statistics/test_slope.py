"""Robust slopes: exact where data are exact, deaf to outliers, honest under correlated noise."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.statistics import MIN_POINTS, robust_slope, robust_slopes
from tests.crystal_courses import correlated


def test_exact_line() -> None:
    time = np.array([0.0, 1.0, 2.5, 7.0, 9.0, 20.0])
    slopes = robust_slope(time, 3.0 + 0.25 * time)
    assert slopes.slope_N[0] == pytest.approx(0.25)
    assert slopes.half_width_N[0] == pytest.approx(0.0, abs=1e-9)
    assert slopes.span_N[0] == 20.0


def test_outliers_move_least_squares_but_not_this() -> None:
    time = np.arange(40.0)
    value = 0.5 * time + np.random.default_rng(0).normal(0, 0.1, 40)
    value[34:] += 60.0
    assert abs(np.polyfit(time, value, 1)[0] - 0.5) > 0.2
    assert robust_slope(time, value).slope_N[0] == pytest.approx(0.5, abs=0.05)


def test_too_few_points_have_no_slope() -> None:
    few = np.arange(float(MIN_POINTS - 1))
    assert np.isnan(robust_slope(few, few).slope_N[0])


def test_a_batch_gives_the_slopes_of_its_series() -> None:
    rng = np.random.default_rng(1)
    time = np.tile(np.arange(30.0), (5, 1))
    value = rng.normal(size=(5, 30)) + np.arange(5)[:, None] * time
    points = np.array([30, 12, 30, 8, 5])
    together = robust_slopes(time, value, points)
    for i, n in enumerate(points):
        alone = robust_slope(time[i, :n], value[i, :n])
        assert together.slope_N[i] == alone.slope_N[0]


@pytest.mark.parametrize("points", [8, 12, 20, 40])
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
def test_interval_covers_the_true_slope_under_correlated_noise(points: int, rho: float) -> None:
    series = 1000
    noise = correlated(np.random.default_rng(points), (points, series), rho).T
    time = np.tile(np.arange(float(points)), (series, 1))
    slopes = robust_slopes(time, 0.3 * time + noise, np.full(series, points))
    # The control: as if the noise were white, too little would be covered.
    white = 1.96 / np.sqrt(np.sum((time[0] - time[0].mean()) ** 2))
    if rho >= 0.6 and points >= 12:
        assert np.mean(np.abs(slopes.slope_N - 0.3) <= white) < 0.85
    covered = np.mean(np.abs(slopes.slope_N - 0.3) <= slopes.half_width_N)
    assert 0.90 <= covered <= 0.98


def test_a_bend_does_not_pass_for_noise() -> None:
    time = np.arange(8.0)
    value = 100 * np.exp(-time / 3)
    straight, curved = robust_slope(time, value), robust_slope(time, value, curved=True)
    assert straight.high[0] > 0
    assert curved.high[0] < 0
