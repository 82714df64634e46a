"""Which crystals touch: all pairs of a frame from one pass over the pixels near two crystals."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray


def contact_pairs(labels_HW: NDArray[np.int32], distance_px: float) -> NDArray[np.int64]:
    """Pairs of labels whose gap is at most `distance_px`; shape (K, 2), smaller label first, sorted, unique.

    The gap is the distance between the nearest pixel centres minus 1: 0 for pixels that share a side.
    """
    reach = math.floor(distance_px + 1)
    values_HW = labels_HW.astype(np.float32)
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    # The nearest pixels of a pair lie on outlines, one of them with a label larger than its own nearby.
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    larger_HW = np.asarray(cv2.dilate(values_HW, square)) > values_HW
    larger_HW &= np.asarray(cv2.erode(values_HW, cross)) != np.asarray(cv2.dilate(values_HW, cross))
    margin = reach
    padded_HW = np.pad(labels_HW, margin)
    width = padded_HW.shape[1]
    rows, columns = np.nonzero(larger_HW & (labels_HW > 0))
    at = (rows + margin) * width + columns + margin
    flat = padded_HW.ravel()
    own = flat[at].astype(np.int64)
    keys = []
    for row in range(-reach, reach + 1):
        for column in range(-reach, reach + 1):
            if math.hypot(row, column) - 1 > distance_px + 1e-9:
                continue
            other = flat[at + (row * width + column)]
            touching = other > own
            keys.append((own[touching] << 32) | other[touching])
    if not keys:
        return np.empty((0, 2), np.int64)
    unique = np.unique(np.concatenate(keys))
    return np.stack([unique >> 32, unique & 0xFFFFFFFF], axis=1)


def neighbours(pairs: NDArray[np.int64]) -> dict[int, tuple[int, ...]]:
    """The labels that touch each label, ascending; labels without contact are absent."""
    found: dict[int, list[int]] = {}
    for first, second in pairs.tolist():
        found.setdefault(first, []).append(second)
        found.setdefault(second, []).append(first)
    return {label: tuple(sorted(others)) for label, others in found.items()}
