"""Whether a probability of p is right in a share p of the pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from train.metrics.scores import CalibrationScores

if TYPE_CHECKING:
    import numpy.typing as npt

BINS = 10
"""Bins of equal width over probability 0 to 1."""


@dataclass
class CalibrationCurve:
    """Counts pixels by probability; frames add up."""

    pixels: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    """Pixels in each bin."""
    crystal: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    """Those that are crystal."""
    probability: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(BINS))
    """Sum of the probabilities in each bin."""

    def add(self, probability_HW: npt.NDArray[np.float32], true_HW: npt.NDArray[np.bool_]) -> None:
        """Count the pixels of a frame."""
        index = np.minimum((probability_HW * BINS).astype(np.int64), BINS - 1).ravel()
        self.pixels += np.bincount(index, minlength=BINS)
        self.crystal += np.bincount(index[true_HW.ravel()], minlength=BINS)
        self.probability += np.bincount(index, probability_HW.ravel(), minlength=BINS)

    def scores(self) -> CalibrationScores:
        """Mean probability and share of crystal by bin, and the expected calibration error."""
        seen, total = np.maximum(self.pixels, 1), max(int(self.pixels.sum()), 1)
        said, true = self.probability / seen, self.crystal / seen
        return CalibrationScores(
            expected_calibration_error=float((np.abs(said - true) * self.pixels).sum() / total),
            mean_probability=tuple(round(float(value), 6) for value in said),
            share_crystal=tuple(round(float(value), 6) for value in true),
            share_of_pixels=tuple(round(float(value), 6) for value in self.pixels / total),
        )
