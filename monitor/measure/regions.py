"""Sums over the pixels of all crystals at once: count, centre, mean probability, bounding box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Box = tuple[slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The N crystals of a label image, ordered by label; arrays of length N."""

    label: NDArray[np.int64]
    """Values in the label image."""
    pixels: Float
    """Whole pixels."""
    centroid_x_px: Float
    """Column of the centre of mass."""
    centroid_y_px: Float
    """Row of the centre of mass."""
    boxes: tuple[Box, ...]
    """Bounding boxes: (rows, columns)."""
    mean_probability: Float | None
    """Mean probability over the whole pixels; None without a probability map."""


def find_regions(labels_HW: NDArray[np.int32], probability_HW: NDArray[np.float32] | None) -> Regions:
    """Sum over each crystal's runs: stretches of one label along a row, far fewer than pixels."""
    height, width = labels_HW.shape
    flat = labels_HW.ravel()
    begins = np.ones((height, width), bool)
    np.not_equal(labels_HW[:, 1:], labels_HW[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=flat.size)
    values = flat[starts]
    order = np.argsort(values, kind="stable")
    order = order[np.searchsorted(values[order], 1) :]
    sorted_values = values[order]
    first = np.flatnonzero(np.diff(sorted_values, prepend=0))
    rows, columns = np.divmod(starts[order], width)
    length = lengths[order]
    pixels = np.add.reduceat(length, first).astype(np.float64)
    middles = columns + (length - 1) / 2
    last = np.append(first[1:], len(order)) - 1
    left = np.minimum.reduceat(columns, first)
    right = np.maximum.reduceat(columns + length, first)
    mean = None
    if probability_HW is not None:
        run_sums = np.add.reduceat(probability_HW.ravel(), starts)
        mean = np.add.reduceat(run_sums[order].astype(np.float64), first) / pixels
    # Runs come row by row and the sort is stable, so a crystal's first run is its topmost.
    boxes = zip(rows[first].tolist(), (rows[last] + 1).tolist(), left.tolist(), right.tolist(), strict=True)
    return Regions(
        label=sorted_values[first].astype(np.int64),
        pixels=pixels,
        centroid_x_px=np.add.reduceat(middles * length, first) / pixels,
        centroid_y_px=np.add.reduceat(rows * length, first) / pixels,
        boxes=tuple((slice(top, bottom), slice(start, stop)) for top, bottom, start, stop in boxes),
        mean_probability=mean,
    )
