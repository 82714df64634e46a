"""Sums over the pixels of all crystals at once: count, centre, mean of an image, bounding box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


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
    box_xywh: NDArray[np.int64]
    """Bounding boxes, shape (N, 4): first column, first row, width, height."""
    run_starts: NDArray[np.int64]
    """Flat position of the first pixel of each run of any crystal, ascending."""
    run_lengths: NDArray[np.int64]
    """Pixels of each run."""
    run_labels: NDArray[np.int32]
    """Label of each run."""

    def near_border(self, shape: tuple[int, ...], margin_px: int) -> NDArray[np.bool_]:
        """Whether each crystal reaches into the `margin_px` outermost rows or columns of an image (H, W)."""
        x, y, width, height = self.box_xywh.T
        return np.asarray(
            (np.minimum(x, y) < margin_px)
            | (x + width > shape[1] - margin_px)
            | (y + height > shape[0] - margin_px)
        )

    def mean(self, image_HW: NDArray[np.float32] | None) -> Float:
        """Mean of an image over the whole pixels of each crystal; 1 where there is none."""
        if image_HW is None:
            return np.ones(len(self.label))
        ends = np.stack([self.run_starts, self.run_starts + self.run_lengths], axis=1).ravel()
        # Every other sum is that of background; the last run may end with the image, where no index may be.
        sums = np.add.reduceat(image_HW.ravel(), ends[: -1 if ends[-1] == image_HW.size else None])[::2]
        return np.asarray(np.bincount(self.run_labels, sums)[self.label] / self.pixels, np.float64)


def find_regions(labels_HW: NDArray[np.int32]) -> Regions:
    """Sum over each crystal's runs: stretches of one label along a row, far fewer than pixels."""
    width = labels_HW.shape[1]
    flat = labels_HW.ravel()
    begins = np.empty(flat.size, bool)
    np.not_equal(flat[1:], flat[:-1], out=begins[1:])
    begins[::width] = True
    starts = np.flatnonzero(begins)
    values = flat[starts]
    inside = values > 0
    lengths = np.diff(starts, append=flat.size)[inside]
    starts, values = starts[inside], values[inside]
    # Short numbers are sorted by counting.
    order = np.argsort(values.astype(np.uint16) if values.max() < 1 << 16 else values, kind="stable")
    ordered = values[order]
    first = np.flatnonzero(np.diff(ordered, prepend=0))
    last = np.append(first[1:], len(order)) - 1
    rows, columns = np.divmod(starts[order], width)
    length = lengths[order]
    pixels = np.add.reduceat(length, first).astype(np.float64)
    middles = columns + (length - 1) / 2
    left = np.minimum.reduceat(columns, first)
    right = np.maximum.reduceat(columns + length, first)
    # Runs come row by row and the sort is stable, so a crystal's first run is its topmost.
    top, height = rows[first], rows[last] - rows[first] + 1
    return Regions(
        label=ordered[first].astype(np.int64),
        pixels=pixels,
        centroid_x_px=np.add.reduceat(middles * length, first) / pixels,
        centroid_y_px=np.add.reduceat(rows * length, first) / pixels,
        box_xywh=np.stack([left, top, right - left, height], axis=1),
        run_starts=starts,
        run_lengths=lengths,
        run_labels=values,
    )
