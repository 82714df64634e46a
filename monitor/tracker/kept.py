"""Which bodies lie on parts of a frame whose pixels were not inferred in it: their values are carried over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]


def touching(boxes: Sequence[Box], windows: Sequence[Box]) -> NDArray[np.bool_]:
    """Whether each of N boxes shares a pixel with any of the windows; all as (x, y, width, height), px."""
    if not boxes or not windows:
        return np.zeros(len(boxes), bool)
    x, y, width, height = np.array(boxes, np.int64).T[:, :, None]
    left, top, wide, high = np.array(windows, np.int64).T[:, None, :]
    across = (x < left + wide) & (left < x + width)
    down = (y < top + high) & (top < y + height)
    return np.asarray((across & down).any(axis=1), bool)
