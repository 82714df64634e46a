"""Which crystals touch: all pairs of a frame from one pass over the pixels where labels differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def disc_below(distance_px: float) -> NDArray[np.int64]:
    """Half widths of the rows, from the middle down, of the disc in which a pixel's neighbours are `distance_px` away.

    The gap between two pixels is the distance between their centres minus 1: 0 for pixels that share a side.
    """
    radius = distance_px + 1 + 1e-9
    rows = np.arange(int(radius) + 1)
    return np.asarray(np.sqrt(radius**2 - rows**2), np.int64)


def neighbours(pairs: NDArray[np.int64]) -> dict[int, tuple[int, ...]]:
    """The labels that touch each label, ascending; labels without contact are absent.

    `pairs`, shape (K, 2): each once, the smaller label first.
    """
    found: dict[int, list[int]] = {}
    for first, second in pairs.tolist():
        found.setdefault(first, []).append(second)
        found.setdefault(second, []).append(first)
    return {label: tuple(sorted(others)) for label, others in found.items()}
