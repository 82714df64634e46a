"""From calibrated probabilities to labelled crystals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.holes import fill_holes
from engine.seeds import find_seeds, grow_seeds
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

    `crystal_HW` and `contact_HW` are calibrated probabilities 0…1 float32 (H, W). Seeds are the parts
    of the crystal mask without contacts; they grow back over the mask, so that neighbours share the
    pixels between them; holes of single bodies are filled; small and doubtful bodies are dropped and
    counted.
    """
    seeds_HW, mask_HW = find_seeds(crystal_HW, contact_HW, limits)
    labels_HW = fill_holes(grow_seeds(seeds_HW, mask_HW), limits)
    flat = labels_HW.ravel()
    areas = np.bincount(flat)
    sums = np.bincount(flat, weights=crystal_HW.ravel(), minlength=len(areas))
    means = sums / np.maximum(areas, 1)
    present = areas > 0
    kept = present & (areas >= limits.minimal_area_px) & (means >= limits.minimal_score)
    present[0] = kept[0] = False
    if not kept[1:].all():
        labels_HW = np.where(kept, np.cumsum(kept), 0).astype(np.int32)[labels_HW]
    scores = {label: float(mean) for label, mean in enumerate(means[kept], start=1)}
    return Bodies(labels_HW, scores, int(present.sum() - kept.sum()))
