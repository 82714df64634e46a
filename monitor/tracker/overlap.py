"""Which outlines of two label images overlap, and by how much: counted over runs, not over pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """K overlapping pairs of a trail's remembered outline and an observation's; arrays of length K."""

    trail: Index
    """Position of the trail in the state's list."""
    seen: Index
    """Position of the observation in the sorted list."""
    iou: Float
    """Intersection over union, 0 to 1."""
    of_trail: Float
    """Fraction of the trail's outline that lies in the observation's, 0 to 1."""
    of_seen: Float
    """Fraction of the observation's outline that lies in the trail's, 0 to 1."""


def find_overlaps(
    before_HW: NDArray[np.int32], after_HW: NDArray[np.int32], numbers: Index, seen_of: Index
) -> Overlaps:
    """Overlaps of two label images of shape (H, W).

    `numbers`: the trails' numbers, rising, which are the labels of `before_HW`; others belong to no trail. `seen_of`
    translates a label of `after_HW` into a position, −1 for none.
    """
    before, after = before_HW.ravel(), after_HW.ravel()
    change = np.flatnonzero((before[1:] != before[:-1]) | (after[1:] != after[:-1])) + 1
    starts = np.concatenate(([0], change))
    lengths = np.diff(starts, append=before.size)
    trail, seen = _positions(numbers, before[starts]), seen_of[after[starts]]
    trail_pixels = np.bincount(trail + 1, lengths, minlength=len(numbers) + 1)[1:]
    seen_pixels = np.bincount(seen + 1, lengths, minlength=seen_of.max(initial=-1) + 2)[1:]
    both = (trail >= 0) & (seen >= 0)
    columns = len(seen_pixels) + 1
    keys, inverse = np.unique(trail[both] * columns + seen[both], return_inverse=True)
    common = np.bincount(inverse, lengths[both], minlength=len(keys))
    trail, seen = keys // columns, keys % columns
    return Overlaps(
        trail=trail,
        seen=seen,
        iou=common / (trail_pixels[trail] + seen_pixels[seen] - common),
        of_trail=common / trail_pixels[trail],
        of_seen=common / seen_pixels[seen],
    )


def _positions(numbers: Index, label_R: NDArray[np.int32]) -> Index:
    """Position of each label among `numbers`, −1 for none. Not a table by number: numbers are never given twice, and
    in months there are many.
    """
    if not len(numbers):
        return np.full(label_R.shape, -1, np.int64)
    place_R = np.minimum(np.searchsorted(numbers, label_R), len(numbers) - 1)
    return np.where(numbers[place_R] == label_R, place_R, -1)
