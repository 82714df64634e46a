"""Two thousand crystals, most of them touching, as the network would show them: for the benchmarks and their tests."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from monitor.settings.simulation import GrowthPhysics, Nucleation, SimulationSettings
from monitor.simulation import SimulatedMicroscope

EDGE_BLUR_PX = 0.7
BAND_PX = 5


@dataclass(frozen=True)
class DenseScene:
    """Truth and what stands in for the network's output."""

    truth_HW: NDArray[np.int32]
    crystal_HW: NDArray[np.float32]
    contact_HW: NDArray[np.float32]


def dense_scene(side_px: int = 2048, crystals: int = 2000, seed: int = 3) -> DenseScene:
    """Grown by the simulated microscope until nearly all touch; probabilities are blurred truth."""
    duration_s = 1800.0
    settings = SimulationSettings(
        seed=seed,
        width_px=side_px,
        height_px=side_px,
        um_per_px=0.5,
        duration_s=duration_s,
        habits=("prism", "plate", "needle", "rounded"),
        growth=GrowthPhysics(rate_um_per_s=0.01, final_coverage=0.55),
        nucleation=Nucleation(
            seeds=crystals, seed_diameter_um=9, seed_spread=0.3, seed_spacing=0.8, rate_per_mm2_s=0
        ),
    )
    truth_HW = SimulatedMicroscope(settings).at(duration_s).labels_HW
    return DenseScene(
        truth_HW, _blurred((truth_HW > 0).astype(np.float32)), _blurred(_contact_band(truth_HW))
    )


def _blurred(image_HW: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image_HW, (0, 0), EDGE_BLUR_PX), np.float32)


def _contact_band(labels_HW: NDArray[np.int32]) -> NDArray[np.float32]:
    """1 where a disc of BAND_PX meets two labels: what the network is taught."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BAND_PX, BAND_PX))
    labels = labels_HW.astype(np.float32)
    nowhere = np.float32(2**24)
    least = cv2.erode(np.where(labels == 0, nowhere, labels), disc)
    return np.asarray((least < nowhere) & (least != cv2.dilate(labels, disc)), np.float32)
