"""Holes inside one crystal: facets that reflect like the background, filled; gaps between crystals, left."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engine.thresholds import Thresholds


def fill_holes(labels_HW: npt.NDArray[np.int32], limits: Thresholds) -> npt.NDArray[np.int32]:
    """Give labels (H, W) with the holes of single bodies filled.

    A hole is background that does not reach the frame's border and is enclosed by one body only. It is
    filled up to `hole_area_px`, or up to `hole_fraction` of the body's own area.
    """
    background_HW = (labels_HW == 0).view(np.uint8)
    count, parts_HW, stats, _ = cv2.connectedComponentsWithStats(
        background_HW, connectivity=4, ltype=cv2.CV_32S
    )
    height, width = labels_HW.shape
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    inner = (left > 0) & (top > 0)
    inner &= left + stats[:, cv2.CC_STAT_WIDTH] < width
    inner &= top + stats[:, cv2.CC_STAT_HEIGHT] < height
    inner[0] = False  # the bodies themselves
    if not inner.any():
        return labels_HW
    row, column = np.nonzero(inner[parts_HW])
    part = parts_HW[row, column]
    largest = np.zeros(count, np.int32)
    smallest = np.full(count, np.iinfo(np.int32).max, np.int32)
    # Inner parts do not touch the border, so every neighbour exists.
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        neighbour = labels_HW[row + down, column + right]
        np.maximum.at(largest, part, neighbour)
        body = neighbour > 0
        np.minimum.at(smallest, part[body], neighbour[body])
    areas = np.bincount(labels_HW.ravel())
    hole_area = stats[:, cv2.CC_STAT_AREA]
    limit = np.maximum(limits.hole_area_px, limits.hole_fraction * areas[largest])
    filled = inner & (largest == smallest) & (hole_area <= limit)
    fills = filled[part]
    result_HW = labels_HW.copy()
    result_HW[row[fills], column[fills]] = largest[part[fills]]
    return result_HW
