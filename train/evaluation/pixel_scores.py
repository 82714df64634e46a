"""Scores pooled over pixels, as the seed paper gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class PixelCounts:
    """Pixels by what was said and what is true; counts of frames add up."""

    both: int = 0
    """Said crystal, is crystal."""
    said_only: int = 0
    """Said crystal, is background."""
    true_only: int = 0
    """Said background, is crystal."""

    def __add__(self, other: PixelCounts) -> PixelCounts:
        """Pool two sets of pixels."""
        return PixelCounts(
            self.both + other.both, self.said_only + other.said_only, self.true_only + other.true_only
        )

    @property
    def iou(self) -> float:
        """Intersection over union; nan where there is no crystal in either."""
        return _ratio(self.both, self.both + self.said_only + self.true_only)

    @property
    def precision(self) -> float:
        """Share of what was said that is true."""
        return _ratio(self.both, self.both + self.said_only)

    @property
    def sensitivity(self) -> float:
        """Share of what is true that was said."""
        return _ratio(self.both, self.both + self.true_only)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and sensitivity."""
        return _ratio(2 * self.both, 2 * self.both + self.said_only + self.true_only)

    def figures(self) -> dict[str, float]:
        """The scores by name."""
        return {
            "iou": round(self.iou, 4),
            "f1": round(self.f1, 4),
            "sensitivity": round(self.sensitivity, 4),
            "precision": round(self.precision, 4),
        }


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def compare(said_HW: npt.NDArray[np.bool_], true_HW: npt.NDArray[np.bool_]) -> PixelCounts:
    """Count two masks of the same shape against each other."""
    both = int(np.count_nonzero(said_HW & true_HW))
    return PixelCounts(both, int(said_HW.sum()) - both, int(true_HW.sum()) - both)
