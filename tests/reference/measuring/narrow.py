"""Labels as narrow numbers: OpenCV finds the least and largest of a neighbourhood of these, and fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Narrow = NDArray[np.uint16] | NDArray[np.float32]

LARGEST_SHORT = np.iinfo(np.uint16).max - 1


def narrow(labels_HW: NDArray[np.int32]) -> Narrow:
    """Labels (H, W) as uint16 where they fit, else as float32 (exact below 2²⁴)."""
    if int(labels_HW.max()) <= LARGEST_SHORT:
        return labels_HW.astype(np.uint16)
    return labels_HW.astype(np.float32)


def background_last(narrow_HW: Narrow) -> Narrow:
    """Such labels less 1, background larger than all of them, so that a least neighbour is a crystal."""
    if narrow_HW.dtype == np.uint16:
        return np.asarray(narrow_HW - np.uint16(1))  # 0 wraps round
    return np.where(narrow_HW == 0, np.float32(np.inf), narrow_HW - np.float32(1))
