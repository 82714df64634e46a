"""The shift of the crystal channel's logit under which reported areas are right, on the tuning's frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.postprocess import postprocess
from monitor.measure import measure as observe
from monitor.settings.measuring import MeasuringSettings
from train.metrics.area_bias import measure_areas

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from engine.thresholds import Thresholds
    from train.tuning import Maps

SHIFTS = (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4)
"""Candidates, added to the logit."""
SHIFT_CLASSES_PX = ((8, 14), (14, 20), (20, 30), (30, 60), (60, 400))
"""Bounds of the equivalent diameter of each class, px."""


@dataclass(frozen=True)
class ShiftTrial:
    """Median relative error of the reported (sub-pixel) area under one shift, lone crystals inside the frame."""

    shift: float
    by_source: dict[str, float]
    """Of each source, crystals from 20 px."""
    by_class: dict[str, float]
    """Of each size class, simulated sources together."""


def shifted(probability_HW: npt.NDArray[np.float32], shift: float) -> npt.NDArray[np.float32]:
    """Probability whose logit is larger by `shift`: p·e^s / (1 + p·(e^s − 1))."""
    factor = np.float32(np.exp(shift))
    return np.asarray(probability_HW * factor / (1 + probability_HW * (factor - 1)), np.float32)


def try_shift(maps: Sequence[Maps], thresholds: Thresholds, shift: float) -> ShiftTrial:
    """Errors of area over all maps under one shift."""
    found: list[tuple[str, float, float]] = []
    for one in maps:
        crystal_HW = shifted(one.crystal_HW, shift)
        bodies = postprocess(crystal_HW, one.contact_HW, thresholds)
        area_px = {
            item.label: item.area_px
            for item in observe(bodies.labels_HW, crystal_HW, bodies.scores, None, MeasuringSettings())
        }
        for crystal in measure_areas(bodies.labels_HW, one.sight.labels_HW, one.sight.areas_px, area_px):
            if crystal.area_ratio is not None and not crystal.touching:
                found.append((one.source, crystal.diameter_px, crystal.area_ratio - 1))
    by_source, by_class = {}, {}
    for source in sorted({source for source, _, _ in found}):
        errors = [error for name, diameter, error in found if name == source and diameter >= 20]
        if errors:
            by_source[source] = float(np.median(errors))
    for low, high in SHIFT_CLASSES_PX:
        errors = [error for name, diameter, error in found if name != "ice" and low <= diameter < high]
        if errors:
            by_class[f"{low}-{high} px"] = float(np.median(errors))
    return ShiftTrial(shift, by_source, by_class)
