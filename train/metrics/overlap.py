"""Which body that was said lies on which crystal that is true, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Whole = npt.NDArray[np.int64]
    Real = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Overlap:
    """Every pair of a true crystal and a said body that share a pixel.

    Attributes:
        true, said: labels of each pair, int64 (pairs,).
        shared: pixels that the pair shares, int64 (pairs,).
        true_areas, said_areas: area by label, int64; index 0 is background.
    """

    true: Whole
    said: Whole
    shared: Whole
    true_areas: Whole
    said_areas: Whole

    @property
    def iou(self) -> Real:
        """Intersection over union of each pair, (pairs,)."""
        union = self.true_areas[self.true] + self.said_areas[self.said] - self.shared
        return np.asarray(self.shared / union, np.float64)

    @property
    def true_labels(self) -> Whole:
        """Labels of the true crystals."""
        return np.flatnonzero(self.true_areas[1:]) + 1

    @property
    def said_labels(self) -> Whole:
        """Labels of the said bodies."""
        return np.flatnonzero(self.said_areas[1:]) + 1


def overlap(said_HW: npt.NDArray[np.int32], true_HW: npt.NDArray[np.int32]) -> Overlap:
    """Pairs of two label images of the same shape, int32, 0 = background."""
    said_areas, true_areas = np.bincount(said_HW.ravel()), np.bincount(true_HW.ravel())
    span = len(said_areas)
    both = (true_HW > 0) & (said_HW > 0)
    pairs, shared = np.unique(true_HW[both].astype(np.int64) * span + said_HW[both], return_counts=True)
    return Overlap(pairs // span, pairs % span, shared.astype(np.int64), true_areas, said_areas)


def matches(
    said_HW: npt.NDArray[np.int32], true_HW: npt.NDArray[np.int32], least_iou: float = 0.5
) -> dict[int, int]:
    """Of each true label that is found, the label that was said: those with IoU above `least_iou`.

    Above 0.5 a body can match one crystal only, so no assignment has to be solved.
    """
    table = overlap(said_HW, true_HW)
    good = table.iou > least_iou
    return {int(t): int(s) for t, s in zip(table.true[good], table.said[good], strict=True)}


def areas_px(labels_HW: npt.NDArray[np.int32]) -> dict[int, int]:
    """Area of each label but background, px²."""
    counts = np.bincount(labels_HW.ravel())
    return {label: int(count) for label, count in enumerate(counts) if label and count}


def touches_border(labels_HW: npt.NDArray[np.int32]) -> set[int]:
    """Labels on the outermost pixels."""
    edge = np.concatenate([labels_HW[0], labels_HW[-1], labels_HW[:, 0], labels_HW[:, -1]])
    return {int(label) for label in np.unique(edge) if label != 0}


def touching_labels(labels_HW: npt.NDArray[np.int32]) -> set[int]:
    """Labels that adjoin another."""
    pairs = []
    for one, other in ((labels_HW[:, 1:], labels_HW[:, :-1]), (labels_HW[1:], labels_HW[:-1])):
        met = (one != other) & (one > 0) & (other > 0)
        pairs += [one[met], other[met]]
    return {int(label) for label in np.unique(np.concatenate(pairs))}
