"""Scores pooled over pixels: the seed paper's six."""

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
    neither: int = 0
    """Said background, is background."""

    def __add__(self, other: PixelCounts) -> PixelCounts:
        """Pool two sets of pixels."""
        return PixelCounts(
            self.both + other.both,
            self.said_only + other.said_only,
            self.true_only + other.true_only,
            self.neither + other.neither,
        )

    @property
    def iou(self) -> float:
        """Intersection over union; nan where there is no crystal in either."""
        return ratio(self.both, self.both + self.said_only + self.true_only)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and sensitivity (Dice); 2·IoU/(1 + IoU) of the same pixels."""
        return ratio(2 * self.both, 2 * self.both + self.said_only + self.true_only)

    @property
    def sensitivity(self) -> float:
        """Share of what is true that was said (recall)."""
        return ratio(self.both, self.both + self.true_only)

    @property
    def precision(self) -> float:
        """Share of what was said that is true."""
        return ratio(self.both, self.both + self.said_only)

    @property
    def specificity(self) -> float:
        """Share of the background that was said to be background."""
        return ratio(self.neither, self.neither + self.said_only)

    @property
    def accuracy(self) -> float:
        """Share of all pixels of which the truth was said."""
        return ratio(self.both + self.neither, self.both + self.neither + self.said_only + self.true_only)

    @property
    def area_bias(self) -> float:
        """Area said over true area, less one."""
        return ratio(self.both + self.said_only, self.both + self.true_only) - 1

    def figures(self) -> dict[str, float]:
        """The six scores by name, to four digits."""
        names = ("iou", "f1", "sensitivity", "precision", "specificity", "accuracy")
        return {name: round(float(getattr(self, name)), 4) for name in names}


def ratio(part: float, whole: float) -> float:
    """Part of a whole; nan where there is no whole."""
    return part / whole if whole else float("nan")


def compare(said_HW: npt.NDArray[np.bool_], true_HW: npt.NDArray[np.bool_]) -> PixelCounts:
    """Count two masks of the same shape against each other."""
    both = int(np.count_nonzero(said_HW & true_HW))
    said, true = int(np.count_nonzero(said_HW)), int(np.count_nonzero(true_HW))
    return PixelCounts(both, said - both, true - both, said_HW.size - said - true + both)
