"""Size distributions: weights, border rules, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.kinetics import moment_mean, size_distributions, weighted_percentiles
from monitor.records import SizeDistribution
from monitor.settings.kinetics import KineticsSettings
from tests.crystal_courses import disc

SETTINGS = KineticsSettings()


def rows(sizes_px: list[float], um_per_px: float | None = 2.0) -> dict[tuple[str, str], SizeDistribution]:
    found = size_distributions([disc(d, um_per_px) for d in sizes_px], 1000, 800, SETTINGS)
    return {(r.weighting, r.border_rule): r for r in found}


def test_percentiles_of_equal_weights_are_those_of_the_middle_rule() -> None:
    values = np.random.default_rng(0).uniform(10, 50, 200)
    ours = weighted_percentiles(values, np.ones(200), (0.1, 0.5, 0.9))
    assert ours == pytest.approx(np.percentile(values, (10, 50, 90), method="hazen"))


def test_number_distribution_in_um() -> None:
    row = rows([10.0, 20.0, 30.0, 40.0] * 5)[("number", "excluded")]
    assert row.count == 20
    assert row.mean_um == pytest.approx(50.0)
    assert row.d50_um == pytest.approx(50.0)
    assert row.cv == pytest.approx(np.std([20, 40, 60, 80]) / 50)
    assert row.span == pytest.approx((row.d90_um - row.d10_um) / row.d50_um)


def test_volume_mean_is_d43_and_moments_agree() -> None:
    row = rows([10.0, 20.0] * 10)[("volume", "excluded")]
    sizes = np.array([20.0, 40.0])
    assert row.mean_um == pytest.approx(moment_mean(sizes, 4, 3))
    assert moment_mean(sizes, 3, 2) == pytest.approx((20**3 + 40**3) / (20**2 + 40**2))


def test_volume_d90_is_refused_below_the_stated_count() -> None:
    assert rows([20.0] * 99)[("volume", "excluded")].d90_um is None
    assert rows([20.0] * 99)[("number", "excluded")].d90_um is not None
    assert rows([20.0] * 100)[("volume", "excluded")].d90_um == pytest.approx(40.0)


def test_large_crystals_weigh_more_by_the_border_rule() -> None:
    found = rows([20.0, 400.0] * 10)
    assert found[("number", "miles_lantuejoul")].mean_um > found[("number", "excluded")].mean_um
    fair = [1000 * 800 / ((1000 - d) * (800 - d)) for d in (20.0, 400.0)]
    expected = (40 * fair[0] + 800 * fair[1]) / sum(fair)
    assert found[("number", "miles_lantuejoul")].mean_um == pytest.approx(expected)


def test_crystals_at_the_border_are_left_out() -> None:
    observations = [disc(20.0), disc(30.0), disc(40.0), disc(300.0, touches_border=True)]
    assert all(r.count == 3 for r in size_distributions(observations, 1000, 800, SETTINGS))


def test_without_calibration_only_the_count_is_given() -> None:
    row = rows([20.0] * 20, um_per_px=None)[("number", "excluded")]
    assert (row.count, row.mean_um, row.d50_um, row.cv) == (20, None, None, None)


def test_an_empty_field_has_rows_with_a_count_of_zero() -> None:
    assert [r.count for r in size_distributions([], 1000, 800, SETTINGS)] == [0, 0, 0, 0]
