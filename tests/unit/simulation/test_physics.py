from __future__ import annotations

import numpy as np
import pytest

from monitor.settings.simulation import GrowthPhysics, Merging, Nucleation, SimulationSettings
from monitor.simulation import PRESETS, SimulatedMicroscope


def run(name: str, **changes: object) -> SimulatedMicroscope:
    return SimulatedMicroscope(PRESETS[name].model_copy(update=changes))


def test_crystallised_area_and_supersaturation_balance() -> None:
    settings = PRESETS["demo"]
    scope = SimulatedMicroscope(settings)
    truths = [scope.at(float(t)).truth for t in range(0, 3601, 200)]
    fractions = np.array([truth.fraction for truth in truths])
    assert fractions[0] == 0
    assert (np.diff(fractions) >= -1e-9).all()
    # what has left the solution is on the field: X = X_end (1 - s), to the coarse grid's resolution
    expected = settings.growth.final_coverage * (1 - np.array([t.supersaturation for t in truths]))
    assert np.abs(fractions - expected).max() < 0.004
    for truth in truths:
        assert truth.total_area_px == pytest.approx(sum(c.area_px for c in truth.crystals))


def test_completion_is_where_the_area_reaches_95_percent() -> None:
    scope = run("demo")
    truth = scope.truth_run()
    assert truth.completion_s is not None
    assert truth.t99_s is not None
    assert truth.stopped_s is not None
    assert scope.at(truth.completion_s).truth.total_area_um2 == pytest.approx(
        0.95 * truth.final_area_um2, rel=0.005
    )
    assert truth.completion_s < truth.t99_s


def test_induction_is_the_first_birth_and_nothing_is_seen_before() -> None:
    scope = run("demo")
    induction = scope.truth_run().induction_s
    assert induction is not None
    assert induction >= PRESETS["demo"].nucleation.delay_s
    assert scope.at(induction - 1).truth.nucleated == 0
    assert not scope.at(induction - 1).labels_HW.any()
    assert scope.at(induction + 120).labels_HW.any()


def test_number_of_births_is_what_the_rate_says_on_average() -> None:
    settings = PRESETS["demo"].model_copy(update={"width_px": 256, "height_px": 256})
    counts, expected = [], []
    for seed in range(30):
        truth = SimulatedMicroscope(settings.model_copy(update={"seed": seed})).truth_run()
        counts.append(len(truth.births))
        expected.append(truth.expected_births)
    # count minus its running expectation is a martingale of variance E[count]
    spread = np.sqrt(np.mean(expected) / len(counts))
    assert np.mean(expected) > 4
    assert abs(np.mean(counts) - np.mean(expected)) < 3.5 * spread


def test_births_lie_in_free_area() -> None:
    scope = run("dense", width_px=400, height_px=400)
    for birth in scope.truth_run().births[1:25]:
        before, after = scope.at(birth.at_s - 1e-3), scope.at(birth.at_s + 60)
        (crystal,) = [c for c in after.truth.crystals if c.id == birth.id] or [None]
        if crystal is not None and 0 <= crystal.x_px < 400 and 0 <= crystal.y_px < 400:
            assert before.labels_HW[int(crystal.y_px), int(crystal.x_px)] == 0


def test_a_static_field_does_not_change() -> None:
    scope = run("static")
    first, last = scope.at(0), scope.at(3600)
    assert len(first.truth.crystals) >= 20
    assert [c.area_px for c in first.truth.crystals if not c.touches_border] == pytest.approx(
        [c.area_px for c in last.truth.crystals if not c.touches_border]
    )
    assert all(c.growth_rate_um_per_s == 0 for c in last.truth.crystals)


def test_ripening_loses_small_crystals_and_area_while_the_mean_grows() -> None:
    scope = run("ripening")
    first, last = scope.at(0).truth, scope.at(3600).truth
    assert len(last.crystals) < 0.7 * len(first.crystals)
    assert last.total_area_um2 < 0.9 * first.total_area_um2
    mean = [t.total_area_um2 / len(t.crystals) for t in (first, last)]
    assert mean[1] > 1.2 * mean[0]
    volume = [(scope._history.radii_px(t) ** 3).sum() for t in (0.0, 3600.0)]
    assert volume[1] == pytest.approx(volume[0], rel=0.01)


def test_dissolving_crystals_shrink_and_vanish() -> None:
    scope = run("dissolving")
    first, last = scope.at(0).truth, scope.at(3600).truth
    assert last.total_area_um2 < 0.1 * first.total_area_um2
    assert len(last.crystals) < len(first.crystals)
    assert all(c.growth_rate_um_per_s < 0 for c in first.crystals)


def test_growth_stops_where_crystals_meet() -> None:
    scope = run("film")
    times = [1500.0, 1800.0, 2100.0, 2400.0]
    before = scope.at(times[0])
    for later in times[1:]:
        after = scope.at(later)
        # what a crystal has taken stays its own
        taken = before.labels_HW > 0
        assert np.array_equal(after.labels_HW[taken], before.labels_HW[taken])
    met = {c.id for c in scope.at(times[0]).truth.crystals if c.in_contact and not c.touches_border}
    free = {c.id: c for c in scope.at(times[0]).truth.crystals}
    assert met
    slowed = 0
    for crystal in scope.at(times[3]).truth.crystals:
        if crystal.id in met:
            start = free[crystal.id]
            rate = (crystal.equivalent_diameter_um - start.equivalent_diameter_um) / (times[3] - times[0])
            slowed += rate < 0.95 * crystal.growth_rate_um_per_s
    assert slowed >= 1


def test_merged_crystals_go_on_under_the_elder_number() -> None:
    scope = run("merging")
    merges = scope.truth_run().merges
    assert merges
    for merge in merges[:5]:
        assert merge.into_id < merge.id
        before, after = scope.at(merge.at_s - 0.5), scope.at(merge.at_s + 0.5)
        areas = {c.id: c.area_px for c in before.truth.crystals}
        if merge.id not in areas or merge.into_id not in areas:
            continue
        merged = {c.id: c.area_px for c in after.truth.crystals}
        assert merge.id not in merged
        assert not (after.labels_HW == merge.id).any()
        assert merged[merge.into_id] == pytest.approx(areas[merge.id] + areas[merge.into_id], rel=0.02)


def test_without_merging_every_number_stays() -> None:
    scope = run("merging", merging=Merging(probability=0))
    assert scope.truth_run().merges == ()
    identities = {c.id for c in scope.at(3600).truth.crystals}
    assert len(identities) > 40


def test_crystals_that_are_there_from_the_start_leave_no_induction() -> None:
    truth = run("film").truth_run()
    assert {birth.present_at_start for birth in truth.births} == {True, False}, "the control"
    assert truth.induction_s is None


def test_an_empty_field_stays_empty() -> None:
    scope = run("empty")
    truth = scope.truth_run()
    assert truth.induction_s is None
    assert truth.completion_s is None
    assert not scope.at(3000).labels_HW.any()
    assert scope.at(3000).image_HW.std() > 2


def test_dispersion_is_what_was_asked_for() -> None:
    settings = SimulationSettings(
        width_px=1024,
        height_px=1024,
        growth=GrowthPhysics(dispersion=0.3, final_coverage=0.5),
        nucleation=Nucleation(rate_per_mm2_s=0, seeds=400, seed_diameter_um=6),
    )
    rates = [c.growth_rate_um_per_s for c in SimulatedMicroscope(settings).at(1.0).truth.crystals]
    assert np.std(rates) / np.mean(rates) == pytest.approx(0.3, rel=0.15)
    assert np.mean(rates) == pytest.approx(settings.growth.rate_um_per_s, rel=0.06)
