"""Which crystals touch: all pairs of a frame from one pass over the pixels near two crystals."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.reference.measuring.narrow import Narrow


def contact_pairs(narrow_HW: Narrow, distance_px: float) -> NDArray[np.int64]:
    """Pairs of labels whose gap is at most `distance_px`; shape (K, 2), smaller label first, sorted, unique.

    The gap is the distance between the nearest pixel centres minus 1: 0 for pixels that share a side.
    """
    reach = math.floor(distance_px + 1)
    side = np.arange(-reach, reach + 1)
    near = np.hypot(side[:, None], side) - 1 <= distance_px + 1e-9
    # The nearest pixels of a pair lie on outlines, one of them with a label larger than its own nearby.
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    at_HW = np.asarray(cv2.dilate(narrow_HW, np.ones_like(near, np.uint8))) > narrow_HW
    at_HW &= narrow_HW > 0
    at_HW &= np.asarray(cv2.erode(narrow_HW, cross)) != np.asarray(cv2.dilate(narrow_HW, cross))
    padded_HW = np.pad(narrow_HW, reach)
    width = padded_HW.shape[1]
    rows, columns = np.divmod(np.flatnonzero(at_HW), narrow_HW.shape[1])
    at = (rows + reach) * width + columns + reach
    flat = padded_HW.ravel()
    own = flat[at]
    first = own.astype(np.int64) << 32
    found = [np.empty(0, np.int64)]
    for row, column in np.argwhere(near) - reach:
        other = flat[at + (row * width + column)]
        touching = np.flatnonzero(other > own)
        pairs = first[touching]
        pairs |= other[touching].astype(np.int64)
        # Along an outline the same pair comes many times in a row.
        found += [pairs[:1], pairs[1:][pairs[1:] != pairs[:-1]]]
    unique = np.sort(np.concatenate(found))
    unique = unique[np.diff(unique, prepend=0) != 0]
    return np.stack([unique >> 32, unique & 0xFFFFFFFF], axis=1)


def neighbours(pairs: NDArray[np.int64]) -> dict[int, tuple[int, ...]]:
    """The labels that touch each label, ascending; labels without contact are absent."""
    found: dict[int, list[int]] = {}
    for first, second in pairs.tolist():
        found.setdefault(first, []).append(second)
        found.setdefault(second, []).append(first)
    return {label: tuple(sorted(others)) for label, others in found.items()}
