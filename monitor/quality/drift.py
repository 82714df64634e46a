"""How far the view moved between two frames: phase correlation of reduced images."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from monitor.frame import Image

MOST_SHIFT_FRACTION = 0.25
"""A shift beyond this fraction of the image's side is not believed: less than half of the view overlaps."""


def reduced(grey_HW: Image, side_px: int) -> NDArray[np.float32]:
    """Reduce to at most `side_px` on the longer side by area averaging; float32, shape (H, W)."""
    height, width = grey_HW.shape
    scale = side_px / max(height, width)
    if scale >= 1:
        return grey_HW.astype(np.float32)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return np.asarray(cv2.resize(grey_HW, size, interpolation=cv2.INTER_AREA), np.float32)


@lru_cache(maxsize=4)
def _window(height: int, width: int) -> NDArray[np.float32]:
    window = np.asarray(cv2.createHanningWindow((width, height), cv2.CV_32F), np.float32)
    window.setflags(write=False)
    return window


def estimate(
    before_HW: NDArray[np.float32],
    after_HW: NDArray[np.float32],
    size_hw_px: tuple[int, int],
    response_above: float,
) -> tuple[float, float] | None:
    """Shift of the content from one reduced image to the next, in pixels of the full image, (x, y).

    Positive x: the content moved to larger columns. None where the correlation's peak (0 to 1) stays below
    `response_above`, or where the shift exceeds a quarter of the image. Source: Kuglin and Hines 1975, by
    OpenCV.
    """
    if before_HW.shape != after_HW.shape:
        return None
    height, width = after_HW.shape
    (shift_x, shift_y), response = cv2.phaseCorrelate(before_HW, after_HW, _window(height, width))
    if response < response_above or abs(shift_x) > MOST_SHIFT_FRACTION * width:
        return None
    if abs(shift_y) > MOST_SHIFT_FRACTION * height:
        return None
    return shift_x * size_hw_px[1] / width, shift_y * size_hw_px[0] / height
