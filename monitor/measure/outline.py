"""The outlines of crystals, moved onto the edge.

An outline runs where the calibrated probability is one half: the polygon through the centres of a crystal's
boundary pixels, each moved along its normal by as much as the probabilities beyond it add up to. What is
left to the crystal's sub-pixel area is made up by moving the whole outline by δ (Steiner: A(δ) = A + Pδ +
πδ²), so that area, Feret diameters, rectangle and perimeter all speak of the same edge.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.kernels.measuring import Refining

Float = NDArray[np.float64]

SHORTEST_REFINED = 8
"""Outlines of fewer boundary pixels have no normals to speak of; δ alone refines them."""
BLUR_PX = 1.0
"""Without a probability map, the labels blurred by this much (standard deviation) stand in for one."""
MOST_MOVE_PX = 1.5
LEAST_MOVE_PX = -0.5
HULL_TOLERANCE_PX = 0.1
"""Corners of a hull that stand out by less than this are left out."""

REFINING = Refining(
    least_move=LEAST_MOVE_PX,
    most_move=MOST_MOVE_PX,
    shortest=SHORTEST_REFINED,
    hull_tolerance=HULL_TOLERANCE_PX,
)


def edge_of(labels_HW: NDArray[np.int32], probability_HW: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Where the edges are: the probabilities, or what stands in for them; float32 (H, W)."""
    if probability_HW is not None:
        return probability_HW
    return np.asarray(cv2.GaussianBlur((labels_HW > 0).astype(np.float32), (0, 0), BLUR_PX), np.float32)


def offset_px(outlines: NDArray[np.void], area_px: Float, pixels: Float) -> Float:
    """How far, px, each of N outlines (`engine.kernels.measuring.OUTLINE`) has to move outwards.

    Then it encloses `area_px`, and its holes beside that. `pixels` are the whole pixels of each crystal, without holes.
    """
    steiner = np.pi * outlines["bodies"]
    missing = area_px + np.maximum(outlines["filled_px"] - pixels, 0) - outlines["area_px"]
    root = np.sqrt(np.maximum(outlines["perimeter_px"] ** 2 + 4 * steiner * missing, 0))
    offset = (root - outlines["perimeter_px"]) / (2 * steiner)
    return np.asarray(np.clip(offset, LEAST_MOVE_PX, MOST_MOVE_PX), np.float64)
