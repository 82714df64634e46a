"""Growth rates, their windows and births."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.kinetics import KineticsInput, initial_state, step
from monitor.records import BirthKind, GrowthFit, KineticsStep, TrackerStep, TrailBirth
from monitor.settings.kinetics import KineticsSettings
from tests.crystal_courses import correlated, point, tracked

SETTINGS = KineticsSettings()


def watch(
    times_s: np.ndarray,
    steps: list[TrackerStep],
    um_per_px: float | None = 0.5,
    settings: KineticsSettings = SETTINGS,
) -> list[KineticsStep]:
    state, told = initial_state(settings), []
    for elapsed_s, tracker in zip(times_s, steps, strict=True):
        frame = KineticsInput(float(elapsed_s), um_per_px, 1000, 800, tracker)
        state, kinetics = step(state, frame, settings)
        told.append(kinetics)
    return told


def last_fit(told: list[KineticsStep], crystal_id: int = 1) -> GrowthFit:
    return [f for k in told for f in k.fits if f.crystal_id == crystal_id][-1]


def test_steady_growth_is_recovered_exactly_in_px_and_um() -> None:
    times = np.arange(0.0, 300.0, 10.0)
    fit = last_fit(watch(times, tracked(times, 20.0 + 0.05 * times[:, None])))
    assert fit.rate_px_per_s == pytest.approx(0.05, rel=1e-4)
    assert fit.rate_um_per_s == pytest.approx(0.025, rel=1e-4)
    # A disc's front moves at half the rate of its diameter.
    assert fit.front_speed_px_per_s == pytest.approx(0.025, rel=1e-3)
    assert fit.fit_points == 30
    assert fit.fit_window_s == pytest.approx(290.0, abs=15.0)
    assert fit.fit_coverage == 1.0


def test_without_calibration_there_are_no_um() -> None:
    times = np.arange(0.0, 100.0, 10.0)
    fit = last_fit(watch(times, tracked(times, 20.0 + 0.05 * times[:, None]), um_per_px=None))
    assert fit.rate_px_per_s == pytest.approx(0.05, rel=1e-3)
    assert (fit.rate_um_per_s, fit.low_um_per_s, fit.high_um_per_s, fit.detection_floor_um_per_s) == (
        None,
    ) * 4


@pytest.mark.parametrize(("interval_s", "rho"), [(10.0, 0.0), (10.0, 0.5), (30.0, 0.3), (60.0, 0.5)])
def test_interval_covers_the_rate_of_its_window(interval_s: float, rho: float) -> None:
    times = np.arange(0.0, 900.0, interval_s)
    rng = np.random.default_rng(3)
    rates = rng.uniform(0.0, 0.05, 300)
    sizes = 30 + rates * times[:, None] + 0.3 * correlated(rng, (times.size, 300), rho)
    fits = watch(times, tracked(times, sizes))[-1].fits
    assert len(fits) == 300
    covered = np.mean([f.low_px_per_s <= rates[f.crystal_id - 1] <= f.high_px_per_s for f in fits])
    assert 0.90 <= covered <= 0.985


def test_decaying_growth_is_followed_by_a_shorter_window() -> None:
    times = np.arange(0.0, 600.0, 5.0)
    true = 60 * -np.expm1(-times / 150.0)
    noise = 0.05 * np.random.default_rng(0).standard_normal(times.size)
    fit = last_fit(watch(times, tracked(times, (20 + true + noise)[:, None])))
    begin = np.searchsorted(times, times[-1] - fit.fit_window_s)
    over_window = (true[-1] - true[begin]) / (times[-1] - times[begin])
    over_all = (true[-1] - true[0]) / times[-1]
    assert over_all > 3 * over_window
    assert fit.fit_window_s < 300
    assert fit.rate_px_per_s == pytest.approx(over_window, rel=0.15)


def test_a_standing_crystal_is_answered_with_a_detection_floor() -> None:
    times = np.arange(0.0, 600.0, 10.0)
    sizes = 40 + 0.1 * np.random.default_rng(5).standard_normal((60, 1))
    fit = last_fit(watch(times, tracked(times, sizes)))
    assert fit.low_px_per_s < 0 < fit.high_px_per_s
    assert fit.detection_floor_um_per_s == pytest.approx((fit.high_um_per_s - fit.low_um_per_s) / 2)
    assert fit.detection_floor_um_per_s < 2e-4


def test_carried_points_and_those_unfit_for_growth_are_in_no_fit() -> None:
    times = np.arange(0.0, 200.0, 10.0)
    steps = tracked(times, 20.0 + 0.05 * times[:, None])
    assert last_fit(watch(times, steps)).fit_points == 20
    for i in (5, 6, 7):
        steps[i] = TrackerStep((point(1, times[i], 90.0, carried=True, fit_for_growth=False),))
    fit = last_fit(watch(times, steps))
    assert fit.rate_px_per_s == pytest.approx(0.05, rel=1e-3)
    assert fit.fit_points == 17
    assert fit.fit_coverage == pytest.approx(17 / 20)


def test_a_crystal_in_contact_keeps_its_last_fit() -> None:
    times = np.arange(0.0, 200.0, 10.0)
    steps = tracked(times, 20.0 + 0.05 * times[:, None])
    for i in range(15, 20):
        steps[i] = TrackerStep((point(1, times[i], 60.0, fit_for_growth=False),))
    told = watch(times, steps)
    assert told[14].fits
    assert not any(k.fits for k in told[15:])


def test_a_change_of_objective_starts_fits_afresh() -> None:
    times = np.arange(0.0, 200.0, 10.0)
    steps = tracked(times, 20.0 + 0.05 * times[:, None])
    state = initial_state(SETTINGS)
    for i, elapsed_s in enumerate(times):
        scale, before = (0.5, True) if i < 10 else (0.25, False)
        zoomed = TrackerStep((point(1, elapsed_s, 2 * (20.0 + 0.05 * elapsed_s)),))
        frame = KineticsInput(float(elapsed_s), scale, 1000, 800, steps[i] if before else zoomed)
        state, kinetics = step(state, frame, SETTINGS)
    (fit,) = kinetics.fits
    assert fit.fit_points == 10
    assert fit.rate_um_per_s == pytest.approx(0.025, rel=1e-3)


def test_birth_is_extrapolated_back_beyond_the_last_clear_frame() -> None:
    times = np.arange(0.0, 400.0, 10.0)
    sizes = np.where(times >= 100.0, 0.1 * (times - 97.0), np.nan)[:, None]
    steps = tracked(times, sizes)
    fit = last_fit(watch(times, steps))
    assert fit.birth_s == pytest.approx(97.0, abs=0.1)
    assert 96.0 <= fit.birth_low_s <= 97.01
    assert 96.99 <= fit.birth_high_s <= 100.0
    late = np.where(times >= 100.0, 0.1 * (times - 20.0), np.nan)[:, None]
    fit = last_fit(watch(times, tracked(times, late)))
    assert fit.birth_s == pytest.approx(20.0, abs=0.1), (
        "in the frames before, it was there and too small to be seen"
    )
    assert fit.birth_low_s <= 20.0 <= fit.birth_high_s
    before_all = np.where(times >= 100.0, 0.1 * (times + 50.0), np.nan)[:, None]
    assert last_fit(watch(times, tracked(times, before_all))).birth_s == 0.0, "but not before the run"


@pytest.mark.parametrize("slowing_s", [None, 1500.0])
@pytest.mark.parametrize("interval_s", [10.0, 60.0])
def test_the_interval_of_a_birth_holds_the_truth(interval_s: float, slowing_s: float | None) -> None:
    rng = np.random.default_rng(3)
    times = np.arange(0.0, 2400.0, interval_s)
    born_N = rng.uniform(300, 1500, 40)
    rate_N = 0.05 * rng.lognormal(0, 0.2, born_N.size)
    age_TN = np.maximum(times[:, None] - born_N, 0.0)
    size_TN = rate_N * (age_TN if slowing_s is None else slowing_s * -np.expm1(-age_TN / slowing_s))
    seen_TN = size_TN + 0.3 * correlated(rng, size_TN.shape, 0.5)
    seen_TN[size_TN < 6.0] = np.nan
    steps = tracked(times, seen_TN)
    clear = {birth.crystal_id: birth.last_clear_s for one in steps for birth in one.born}
    fits = {
        fit.crystal_id: fit for one in watch(times, steps) for fit in one.fits if fit.birth_low_s is not None
    }
    assert len(fits) >= 30
    held = [fit.birth_low_s <= born_N[number - 1] <= fit.birth_high_s for number, fit in fits.items()]
    assert np.mean(held) >= 0.9
    late = [(clear[number] or 0.0) > born_N[number - 1] for number in fits]
    assert np.mean(late) >= 0.5, "the control: the last clear frame comes after most births"
    assert np.median([fit.birth_high_s - fit.birth_low_s for fit in fits.values()]) < 600.0


def test_crystals_present_at_start_have_no_birth() -> None:
    times = np.arange(0.0, 100.0, 10.0)
    fit = last_fit(watch(times, tracked(times, 20.0 + 0.05 * times[:, None])))
    assert (fit.birth_s, fit.birth_low_s, fit.birth_high_s) == (None, None, None)


def test_induction_time_is_that_of_the_first_birth() -> None:
    times = np.arange(0.0, 300.0, 10.0)
    sizes = np.stack([np.where(times >= s, 4.0 + 0.1 * (times - s), np.nan) for s in (100.0, 150.0)], axis=1)
    known = [k.induction for k in watch(times, tracked(times, sizes)) if k.induction is not None]
    assert known[0].induction_s == known[-1].induction_s == 100.0
    assert known[-1].high_s == 100.0
    assert known[-1].low_s == pytest.approx(60.0, abs=1.0), "grown from nothing at the rate that was seen"
    assert known[-1].detection_limit_um == pytest.approx(2.0, rel=1e-3)


def test_births_are_counted_in_the_window_and_nothing_else_is() -> None:
    settings = KineticsSettings(window_s=100.0)
    state = initial_state(settings)
    births = (
        TrailBirth(1, BirthKind.BORN, 10.0, 5.0),
        TrailBirth(2, BirthKind.ENTERED, 10.0, 5.0),
        TrailBirth(3, BirthKind.SPLIT, 10.0, 5.0),
    )
    state, first = step(state, KineticsInput(10.0, 1.0, 1000, 800, TrackerStep((), births)), settings)
    state, later = step(state, KineticsInput(60.0, 1.0, 1000, 800, TrackerStep(())), settings)
    assert (first.births, first.births_in_window, later.births_in_window) == (1, 1, 1)
    assert later.birth_rate_per_um2_s == pytest.approx(1 / (1000 * 800 * 50.0))
    state, last = step(state, KineticsInput(200.0, 1.0, 1000, 800, TrackerStep(())), settings)
    assert (last.births_in_window, last.last_birth_s) == (0, 10.0)
