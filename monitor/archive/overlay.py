"""A frame with the crystals' outlines, for people."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def overlay(image: NDArray[np.uint8] | NDArray[np.uint16], labels_HW: NDArray[np.int32]) -> NDArray[np.uint8]:
    """The image, stretched to 8 bit, with every crystal's outline in its own colour; shape (H, W, 3), BGR."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    low, high = np.percentile(grey, (0.5, 99.5))
    stretched = np.clip((grey.astype(np.float32) - low) * (255 / max(high - low, 1.0)), 0, 255).astype(
        np.uint8
    )
    result = cv2.cvtColor(stretched, cv2.COLOR_GRAY2BGR)
    edges_HW = np.zeros(labels_HW.shape, bool)
    beside, below = labels_HW[:, 1:] != labels_HW[:, :-1], labels_HW[1:, :] != labels_HW[:-1, :]
    edges_HW[:, 1:] |= beside
    edges_HW[:, :-1] |= beside
    edges_HW[1:, :] |= below
    edges_HW[:-1, :] |= below
    edges_HW &= labels_HW > 0
    hues = np.arange(180, dtype=np.uint8)[None]
    full = np.full_like(hues, 255)
    colours = cv2.cvtColor(np.dstack((hues, full, full)), cv2.COLOR_HSV2BGR)[0]
    result[edges_HW] = colours[labels_HW[edges_HW].astype(np.int64) * 47 % 180]
    return np.asarray(result, np.uint8)


def overlay_png(
    image: NDArray[np.uint8] | NDArray[np.uint16],
    labels_HW: NDArray[np.int32] | None,
    longest_px: int,
    most_bytes: int,
) -> bytes:
    """`overlay` as PNG, made smaller until its longer side has at most `longest_px` pixels, and it `most_bytes`."""
    labels_HW = np.zeros(image.shape[:2], np.int32) if labels_HW is None else labels_HW
    height, width = labels_HW.shape
    scale = min(1.0, longest_px / max(height, width))
    while True:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        # Outlines are drawn after the image is made smaller: they stay one pixel wide.
        small: NDArray[Any] = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        few = labels_HW if scale == 1.0 else _shrunk(labels_HW, size)
        done, encoded = cv2.imencode(".png", overlay(small, few), [cv2.IMWRITE_PNG_COMPRESSION, 3])
        assert done, "PNG takes every picture of 8 bits"
        if encoded.size <= most_bytes or max(size) <= 64:
            return encoded.tobytes()
        scale *= 0.7


def _shrunk(labels_HW: NDArray[np.int32], size_wh_px: tuple[int, int]) -> NDArray[np.int32]:
    width, height = size_wh_px
    rows = np.arange(height) * labels_HW.shape[0] // height
    columns = np.arange(width) * labels_HW.shape[1] // width
    return np.ascontiguousarray(labels_HW[rows[:, None], columns])
