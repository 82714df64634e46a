"""Boundary F: whether edges lie where they should, within a tolerance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from train.metrics.pixels import ratio

if TYPE_CHECKING:
    import numpy.typing as npt

TOLERANCE_PX = 2.0
"""Greatest distance from the other boundary at which a boundary pixel is right, px."""


@dataclass(frozen=True)
class BoundaryCounts:
    """Boundary pixels; those of frames add up."""

    said: int = 0
    """Of what was said."""
    said_right: int = 0
    """Those near a true one."""
    true: int = 0
    """Of the truth."""
    true_found: int = 0
    """Those near a said one."""

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        """Pool two frames."""
        return BoundaryCounts(
            self.said + other.said,
            self.said_right + other.said_right,
            self.true + other.true,
            self.true_found + other.true_found,
        )

    @property
    def precision(self) -> float:
        """Share of the said boundary that is right."""
        return ratio(self.said_right, self.said)

    @property
    def recall(self) -> float:
        """Share of the true boundary that was found."""
        return ratio(self.true_found, self.true)

    @property
    def f(self) -> float:
        """Harmonic mean of the two; nan where there is no boundary at all, 0 where there is on one side only."""
        if not self.said or not self.true:
            return 0.0 if self.said or self.true else float("nan")
        return (
            ratio(2 * self.precision * self.recall, self.precision + self.recall) if self.said_right else 0.0
        )


def boundary(labels_HW: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Pixels (height, width) of bodies with a neighbour (of four) that is not of the same body.

    The frame's edge is no boundary.
    """
    edge = np.zeros(labels_HW.shape, bool)
    across, down = labels_HW[:, 1:] != labels_HW[:, :-1], labels_HW[1:] != labels_HW[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    return edge & (labels_HW > 0)


def count_boundary(
    said_HW: npt.NDArray[np.int32], true_HW: npt.NDArray[np.int32], tolerance_px: float = TOLERANCE_PX
) -> BoundaryCounts:
    """Count the boundaries of two label images against each other."""
    said, true = boundary(said_HW), boundary(true_HW)
    return BoundaryCounts(
        int(said.sum()),
        int((said & _near(true, tolerance_px)).sum()),
        int(true.sum()),
        int((true & _near(said, tolerance_px)).sum()),
    )


def _near(edge: npt.NDArray[np.bool_], tolerance_px: float) -> npt.NDArray[np.bool_]:
    if not edge.any():
        return np.zeros(edge.shape, bool)
    away = cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away <= tolerance_px, bool)
