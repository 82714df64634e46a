"""Sub-pixel area from the calibrated probability map.

A calibrated probability at the rim is the fraction of the pixel that is crystal, on average; so the sum of
the rim's probabilities is the rim's area, without bias, where a count of pixels above one half is rough.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.reference.measuring.narrow import Narrow, background_last

Float = NDArray[np.float64]

LEAST_AREA_PX = 0.5
"""An area is never below this, px²: a label has at least one pixel."""


def subpixel_area(
    narrow_HW: Narrow,
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
    largest_HW = np.asarray(cv2.dilate(narrow_HW, square))
    least_HW = np.asarray(cv2.erode(background_last(narrow_HW), square))
    # The band about every outline: pixels, of either kind, that see background and crystal.
    band = np.flatnonzero((np.asarray(cv2.erode(narrow_HW, square)) == 0) & (largest_HW > 0))
    own, probability = narrow_HW.ravel()[band], probability_HW.ravel()[band]
    is_outer = own == 0
    outer, half = band[is_outer], 0.5 * probability[is_outer]
    bins = int(label[-1]) + 1
    total = np.bincount(own.astype(np.intp), np.where(is_outer, 0, probability - 1), bins)
    total += np.bincount(largest_HW.ravel()[outer].astype(np.intp), half, bins)
    total += np.bincount(least_HW.ravel()[outer].astype(np.intp) + 1, half, bins)
    return np.asarray(np.maximum(pixels + total[label], LEAST_AREA_PX), np.float64)
