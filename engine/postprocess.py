"""From calibrated probabilities to labelled crystals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.cut import cut_mask
from engine.kernels.arrays import KernelInputError, contiguous
from engine.kernels.parting import Limits, label_bodies
from engine.threads import two_threads
from engine.thresholds import Thresholds


@dataclass(frozen=True)
class Bodies:
    """Crystals of one image."""

    labels_HW: npt.NDArray[np.int32]
    """Label of each pixel, 0 = background, 1…n without gaps; every label is one connected body."""
    scores: dict[int, float]
    """Mean calibrated crystal probability of each label, 0…1."""
    dropped: int
    """Bodies left out because they were too small or too doubtful."""


def postprocess(
    crystal_HW: npt.NDArray[np.float32], contact_HW: npt.NDArray[np.float32], limits: Thresholds
) -> Bodies:
    """Label the crystals, each its own also where they touch.

    `crystal_HW` and `contact_HW` are calibrated probabilities 0…1 float32 (H, W); rows with gaps between them are
    copied, anything else is a KernelInputError. Seeds are the parts of the crystal mask without contacts; they grow
    back over the mask, so that neighbours share the pixels between them; holes of single bodies are filled; small and
    doubtful bodies are dropped and counted. Two more threads help; the result does not depend on them.
    """
    crystal_HW = contiguous("crystal_HW", crystal_HW, np.float32)
    contact_HW = contiguous("contact_HW", contact_HW, np.float32)
    if crystal_HW.shape != contact_HW.shape:
        raise KernelInputError(f"crystal_HW is of shape {crystal_HW.shape}, contact_HW of {contact_HW.shape}")
    labels_HW = np.empty(crystal_HW.shape, np.int32)
    if labels_HW.size == 0:
        return Bodies(labels_HW, {}, 0)
    kinds_PQ = cut_mask(crystal_HW, contact_HW, limits, two_threads())
    chosen = Limits(
        seed_area_px=limits.seed_area_px,
        hole_area_px=limits.hole_area_px,
        hole_fraction=limits.hole_fraction,
        minimal_area_px=limits.minimal_area_px,
        minimal_score=limits.minimal_score,
        small_area_px=limits.small_area_px,
        small_score=limits.small_score,
    )
    scores, dropped = label_bodies(kinds_PQ, crystal_HW, chosen, labels_HW)
    return Bodies(labels_HW, dict(enumerate(scores.tolist(), start=1)), dropped)
