from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.settings.simulation import GrowthPhysics, Nucleation, SimulationSettings
from monitor.simulation import SimulatedMicroscope


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    mode=st.sampled_from(["growing", "static", "ripening", "dissolving"]),
    habit=st.sampled_from(["prism", "plate", "needle", "rounded", "domain"]),
    seeds=st.integers(0, 25),
    rate=st.floats(0, 20),
    moments=st.lists(st.floats(0, 4000), min_size=1, max_size=3),
)
def test_truth_and_labels_hold_together(
    seed: int, mode: str, habit: str, seeds: int, rate: float, moments: list[float]
) -> None:
    scope = SimulatedMicroscope(
        SimulationSettings(
            seed=seed,
            width_px=120,
            height_px=90,
            habits=(habit,),
            growth=GrowthPhysics(mode=mode),
            nucleation=Nucleation(rate_per_mm2_s=rate, seeds=seeds, seed_diameter_um=8),
        )
    )
    born = {birth.id for birth in scope.truth_run().births}
    for moment in moments:
        shot = scope.at(moment)
        assert shot.image_HW.shape == shot.labels_HW.shape == (90, 120)
        named = set(np.unique(shot.labels_HW).tolist()) - {0}
        assert named == {crystal.id for crystal in shot.truth.crystals}
        assert named <= born
        assert 0 <= shot.truth.fraction <= 1.02
        assert shot.truth.nucleated <= len(born)
        for crystal in shot.truth.crystals:
            assert crystal.area_px > 0
            if not crystal.touches_border and crystal.area_px > 200 and habit != "needle":
                assert (shot.labels_HW == crystal.id).sum() == np.float64(crystal.area_px).round() or (
                    abs((shot.labels_HW == crystal.id).sum() / crystal.area_px - 1) < 0.1
                )
