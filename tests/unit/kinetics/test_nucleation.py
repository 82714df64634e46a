"""Nucleation rates against values worked out by hand and tables of the Poisson interval."""

from __future__ import annotations

import pytest

from monitor.kinetics import births_per_area, well_nucleation_rate


@pytest.mark.parametrize(
    ("births", "low", "high"),
    # Exact Poisson limits for a count (Garwood), as tabulated.
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390), (100, 81.36, 121.63)],
)
def test_poisson_interval_is_the_tabulated_one(births: int, low: float, high: float) -> None:
    rate = births_per_area(births, free_area=1.0, duration_s=1.0)
    assert rate is not None
    assert rate.rate == births
    assert (rate.low, rate.high) == (pytest.approx(low, abs=6e-3), pytest.approx(high, abs=6e-3))


def test_births_are_per_free_area_and_time() -> None:
    rate = births_per_area(6, free_area=300.0, duration_s=20.0)
    assert rate is not None
    assert rate.rate == pytest.approx(0.001)
    assert births_per_area(6, free_area=0.0, duration_s=20.0) is None


def test_well_rate_counts_censored_wells_as_waiting() -> None:
    # Four wells of 2 µL: events at 100 s and 300 s, two watched 400 s in vain: 2 / (2·1200).
    rate = well_nucleation_rate([100.0, 300.0, None, None], [400.0] * 4, volume=2.0)
    assert rate is not None
    assert rate.rate == pytest.approx(2 / 2400)
    # χ²(0.025; 4) = 0.4844, χ²(0.975; 6) = 14.449.
    assert rate.low == pytest.approx(0.4844 / 2 / 2400, rel=1e-3)
    assert rate.high == pytest.approx(14.449 / 2 / 2400, rel=1e-3)


def test_complete_sample_has_the_chi_square_2n_interval() -> None:
    rate = well_nucleation_rate([10.0, 20.0, 30.0], [100.0] * 3, volume=1.0, growth_time_s=5.0)
    assert rate is not None
    assert rate.rate == pytest.approx(3 / 45)
    # χ²(0.975; 6) = 14.449.
    assert rate.high == pytest.approx(14.449 / 2 / 45, rel=1e-3)


def test_one_well_gives_no_rate() -> None:
    assert well_nucleation_rate([10.0], [100.0], volume=1.0) is None
    assert well_nucleation_rate([None, None], [100.0, 100.0], volume=1.0) is None


@pytest.mark.parametrize("volume", [0.0, -1.0])
def test_a_volume_must_be_positive(volume: float) -> None:
    with pytest.raises(ValueError, match="volume must be positive"):
        well_nucleation_rate([1.0, 2.0], [3.0, 3.0], volume=volume)
