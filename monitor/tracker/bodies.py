"""Positions and sizes of trails or observations as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.records import Observation
from monitor.tracker.trail import Trail

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """N bodies."""

    centres_px: Float
    """Centres (x, y), px, shape (N, 2)."""
    areas_px: Float
    """Areas, px²."""

    @property
    def diameters_px(self) -> Float:
        """Area-equivalent diameters, px."""
        return np.asarray(2 * np.sqrt(self.areas_px / np.pi), np.float64)

    def __len__(self) -> int:
        """How many."""
        return len(self.areas_px)


def of_trails(trails: Sequence[Trail]) -> Bodies:
    """Trails as they were in the last frame."""
    table = np.array([(trail.x_px, trail.y_px, trail.area_px) for trail in trails], np.float64).reshape(-1, 3)
    return Bodies(table[:, :2], table[:, 2])


def of_observations(observations: Sequence[Observation]) -> Bodies:
    """Observations of this frame."""
    table = np.array(
        [(each.centroid_x_px, each.centroid_y_px, each.area_px) for each in observations], np.float64
    ).reshape(-1, 3)
    return Bodies(table[:, :2], table[:, 2])
