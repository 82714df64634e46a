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
    if not len(pairs):
        return {}
    # Both ways round, as one number each: a sort of numbers is many times as fast as one of pairs.
    smaller, larger = pairs.T
    keys = np.sort(np.concatenate([smaller << 32 | larger, larger << 32 | smaller]))
    own, others = keys >> 32, keys & 0xFFFFFFFF
    first = np.flatnonzero(np.diff(own, prepend=-1))
    values = others.tolist()
    ends = [*first[1:].tolist(), len(values)]
    return {
        label: tuple(values[begin:end])
        for label, begin, end in zip(own[first].tolist(), first.tolist(), ends, strict=True)
    }
