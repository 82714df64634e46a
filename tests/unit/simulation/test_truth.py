from __future__ import annotations

import numpy as np
import pytest

from monitor.settings.simulation import Optics
from monitor.simulation import PRESETS, SimulatedMicroscope


@pytest.mark.parametrize("name", ["demo", "static", "dissolving", "ripening", "dense"])
def test_areas_agree_with_the_labels(name: str) -> None:
    scope = SimulatedMicroscope(PRESETS[name].model_copy(update={"width_px": 512, "height_px": 512}))
    shot = scope.at(1000)
    counts = np.bincount(shot.labels_HW.ravel())
    assert {c.id for c in shot.truth.crystals} == set(np.flatnonzero(counts)) - {0}
    large = [c for c in shot.truth.crystals if c.area_px > 300]
    assert len(large) > 5
    ratio = np.array([counts[c.id] / c.area_px for c in large])
    assert abs(ratio.mean() - 1) < 0.004
    assert np.abs(ratio - 1).max() < 0.06
    for crystal in shot.truth.crystals:
        assert crystal.area_um2 == pytest.approx(crystal.area_px * 0.25)
        assert crystal.equivalent_diameter_um == pytest.approx(2 * np.sqrt(crystal.area_um2 / np.pi))


@pytest.mark.parametrize(("name", "tolerance"), [("demo", 0.01), ("dissolving", 0.01), ("ripening", 0.05)])
def test_growth_rate_is_the_slope_of_the_diameter_of_free_crystals(name: str, tolerance: float) -> None:
    scope = SimulatedMicroscope(PRESETS[name])
    before, now, after = (scope.at(t).truth for t in (690.0, 700.0, 710.0))
    by_id = [{c.id: c for c in truth.crystals} for truth in (before, now, after)]
    checked = 0
    for identity, crystal in by_id[1].items():
        others = [table.get(identity) for table in (by_id[0], by_id[2])]
        if any(c is None or c.touches_border or c.in_contact for c in (crystal, *others)):
            continue
        slope = (others[1].equivalent_diameter_um - others[0].equivalent_diameter_um) / 20.0
        assert slope == pytest.approx(crystal.growth_rate_um_per_s, rel=tolerance, abs=3e-5)
        checked += 1
    assert checked >= 5


def test_touching_crystals_change_area_without_a_jump() -> None:
    scope = SimulatedMicroscope(PRESETS["dense"].model_copy(update={"width_px": 400, "height_px": 400}))
    tables = [{c.id: c for c in scope.at(t).truth.crystals} for t in (1000.0, 1005.0)]
    free_then_touching = [
        (c, tables[1][c.id])
        for c in tables[0].values()
        if c.id in tables[1]
        and c.area_px > 100
        and not c.in_contact
        and not c.touches_border
        and tables[1][c.id].in_contact
    ]
    for before, after in free_then_touching:
        assert after.area_px == pytest.approx(before.area_px, rel=0.03)


def test_labels_follow_drift_and_vibration() -> None:
    settings = PRESETS["static"].model_copy(
        update={"optics": Optics(drift_um_per_s=0.005, vibration_px=1.0, read_noise=0.0, shot_noise=0.0)}
    )
    scope = SimulatedMicroscope(settings)
    first, last = scope.at(0), scope.at(3000)
    moved = last.truth.shift_x_px - first.truth.shift_x_px
    assert moved > 15
    tables = [{c.id: c for c in shot.truth.crystals if not c.touches_border} for shot in (first, last)]
    shared = set(tables[0]) & set(tables[1])
    assert shared
    for identity in shared:
        columns = [np.nonzero(shot.labels_HW == identity)[1].mean() for shot in (first, last)]
        assert columns[1] - columns[0] == pytest.approx(moved, abs=1.1)
        assert tables[0][identity].area_px == pytest.approx(tables[1][identity].area_px, rel=0.02)


def test_the_dark_rim_lies_inside_the_outline() -> None:
    settings = PRESETS["static"].model_copy(
        update={"optics": Optics(read_noise=0, shot_noise=0, out_of_focus=0, dust=0, gradient=0, vignette=0)}
    )
    scope = SimulatedMicroscope(settings)
    shot = scope.at(0)
    depth = scope._specimen.moment(0).depth_HW
    brightness = shot.image_HW / settings.optics.level / 255
    assert brightness[(depth > 0.8) & (depth < 1.4)].mean() < 0.7
    assert brightness[(depth < -2.5) & (depth > -4)].mean() > 0.97
    at_outline = brightness[np.abs(depth) < 0.25].mean()
    assert 0.45 < at_outline < 0.75


def test_first_touches_are_when_crystals_come_into_contact() -> None:
    scope = SimulatedMicroscope(PRESETS["film"])
    touches = scope.truth_run().contacts
    assert touches
    assert [t.at_s for t in touches] == sorted(t.at_s for t in touches)
    first: dict[int, float] = {}
    for touch in touches:
        first.setdefault(touch.id, touch.at_s)
        first.setdefault(touch.other_id, touch.at_s)
    for identity, at_s in first.items():
        states = []
        for moment in (at_s - 500, at_s + 60):
            crystals = {c.id: c for c in scope.at(moment).truth.crystals}
            states.append(identity in crystals and crystals[identity].in_contact)
        assert states == [False, True] or at_s > 3500
