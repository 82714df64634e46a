"""Sums over the pixels of all crystals at once: count, centre, mean probability, bounding box, sub-pixel
area."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Float = NDArray[np.float64]

BEYOND_LABELS = np.float32(2**24)
"""Larger than any label that float32 holds exactly."""


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
    boxes: tuple[tuple[slice, slice], ...]
    """Bounding boxes: (rows, columns)."""
    mean_probability: Float | None
    """Mean probability over the whole pixels; None without a probability map."""
    area_px: Float
    """Sub-pixel area, px²."""


def find_regions(labels_HW: NDArray[np.int32], probability_HW: NDArray[np.float32] | None) -> Regions:
    """Sum over each crystal's pixels. Labels may be any numbers from 1 to 2²⁴ − 1, in any order."""
    flat = labels_HW.ravel()
    where = np.flatnonzero(flat)
    values = flat[where]
    counts = np.bincount(values)
    label = np.flatnonzero(counts)
    pixels = counts[label].astype(np.float64)
    rows, columns = np.divmod(where.astype(np.int32), np.int32(labels_HW.shape[1]))
    found = ndimage.find_objects(labels_HW)
    mean = None
    area = pixels
    if probability_HW is not None:
        mean = np.bincount(values, probability_HW.ravel()[where])[label] / pixels
        area = pixels + _rim_correction(labels_HW, probability_HW, counts.size)[label]
    return Regions(
        label=label,
        pixels=pixels,
        centroid_x_px=np.bincount(values, columns)[label] / pixels,
        centroid_y_px=np.bincount(values, rows)[label] / pixels,
        boxes=tuple(found[value - 1] for value in label),
        mean_probability=mean,
        area_px=np.maximum(area, 0.5),
    )


def _rim_correction(labels_HW: NDArray[np.int32], probability_HW: NDArray[np.float32], bins: int) -> Float:
    """What the rim adds to the whole pixels, px², by label.

    Pixels of a crystal that see background (8 neighbours) count p instead of 1; background pixels that see a
    crystal add their p to it, shared in halves where they see two. Where two crystals adjoin, whole pixels
    stay whole.
    """
    values_HW = labels_HW.astype(np.float32)
    square = np.ones((3, 3), np.uint8)
    largest_HW = np.asarray(cv2.dilate(values_HW, square), np.float32)
    probability = probability_HW.ravel()
    flat = labels_HW.ravel()
    inner = np.flatnonzero((np.asarray(cv2.erode(values_HW, square)) == 0) & (values_HW > 0))
    outer = np.flatnonzero((largest_HW > 0) & (values_HW == 0))
    smallest_HW = cv2.erode(np.where(values_HW == 0, BEYOND_LABELS, values_HW), square)
    correction = np.bincount(flat[inner], probability[inner] - 1.0, minlength=bins)
    half = 0.5 * probability[outer]
    for neighbour_HW in (largest_HW, np.asarray(smallest_HW, np.float32)):
        seen = neighbour_HW.ravel()[outer].astype(np.int64)
        correction += np.bincount(seen, half, minlength=bins)
    return np.asarray(correction, np.float64)
