"""Sub-pixel area from the calibrated probability map.

A calibrated probability at the rim is the fraction of the pixel that is crystal, on average; so the sum of
the rim's probabilities is the rim's area, without bias, where a count of pixels above one half is rough.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

LEAST_AREA_PX = 0.5
"""An area is never below this, px²: a label has at least one pixel."""


def subpixel_area(
    labels_HW: NDArray[np.int32],
    probability_HW: NDArray[np.float32],
    label: NDArray[np.int64],
    pixels: Float,
) -> Float:
    """Area of each of the N crystals, px²; `label` and `pixels` (whole pixels) have length N.

    Pixels of a crystal that see background (8 neighbours) count p instead of 1. Background pixels that see a
    crystal add their p to it, in halves where they see two. Where two crystals adjoin, pixels belong whole
    to their label.
    """
    square = np.ones((3, 3), np.uint8)
    crystal_HW = (labels_HW > 0).view(np.uint8)
    core_HW = np.asarray(cv2.erode(crystal_HW, square))
    grown_HW = np.asarray(cv2.dilate(crystal_HW, square))
    flat = labels_HW.ravel()
    probability = probability_HW.ravel()
    inner = np.flatnonzero(crystal_HW != core_HW)
    outer = np.flatnonzero(crystal_HW != grown_HW)
    bins = int(label[-1]) + 1
    total = np.bincount(flat[inner], probability[inner] - 1.0, minlength=bins)
    half = 0.5 * probability[outer]
    for seen in _least_and_largest_neighbour(labels_HW, outer):
        total += np.bincount(seen, half, minlength=bins)
    return np.asarray(np.maximum(pixels + total[label], LEAST_AREA_PX), np.float64)


def _least_and_largest_neighbour(
    labels_HW: NDArray[np.int32], at: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The least and the largest label among the 8 neighbours of each background pixel `at` (flat
    positions)."""
    height, width = labels_HW.shape
    padded = np.zeros((height + 2, width + 2), np.int32)
    padded[1:-1, 1:-1] = labels_HW
    flat = padded.ravel()
    centre = at + 2 * (at // width) + width + 3
    least = np.full(len(at), np.iinfo(np.int32).max, np.int32)
    largest = np.zeros(len(at), np.int32)
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            seen = flat[centre + (row * (width + 2) + column)]
            np.maximum(largest, seen, out=largest)
            np.minimum(least, np.where(seen == 0, np.int32(np.iinfo(np.int32).max), seen), out=least)
    return least, largest
