"""Calipers around convex hulls: Feret diameters and the smallest rectangle, for many crystals at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

CHUNK_CORNERS = 1 << 15
"""Corners worked on at a time: what fits a processor's cache."""
CORNER_STEP = 6
"""Hulls are filled up to a multiple of this many corners."""


@dataclass(frozen=True, slots=True, eq=False)
class Calipers:
    """Caliper diameters of N convex hulls, before the outline is moved outwards; arrays of length N."""

    feret_max_px: Float
    """Largest distance between two corners, px."""
    feret_min_px: Float
    """Smallest distance between two parallel lines that hold the hull, px."""
    length_px: Float
    """Long side of the rectangle of least area, px."""
    width_px: Float
    """Its short side, px."""
    orientation_deg: Float
    """Angle of the long side against the x axis, anticlockwise as seen, degrees in [0, 180)."""
    area_px: Float
    """Area of the hull, px²."""
    perimeter_px: Float
    """Length of the hull, px."""


def calipers(hulls: Sequence[NDArray[np.float32]]) -> Calipers:
    """Turn calipers around each hull (corners of shape (K, 2), in order).

    Both the smallest Feret diameter and the rectangle of least area have a side on an edge of the hull
    (Freeman and Shapira 1975), so every edge is tried. Hulls are worked on in groups of similar numbers of
    corners.
    """
    result = np.zeros((7, len(hulls)))
    corners = np.concatenate(hulls)
    count = np.array([len(hull) for hull in hulls])
    start = np.cumsum(count) - count
    group = -(-count // CORNER_STEP)
    for steps in np.unique(group).tolist():
        members = np.flatnonzero(group == steps)
        chunk = max(1, CHUNK_CORNERS // (steps * CORNER_STEP))
        for some in np.split(members, range(chunk, len(members), chunk)):
            # Each hull is filled up with its last corner.
            nth = np.minimum(np.arange(steps * CORNER_STEP)[:, None], count[some] - 1)
            result[:, some] = _turn(corners[start[some] + nth])
    return Calipers(*result)


def _turn(hulls_KN2: NDArray[np.float32]) -> Float:
    """The figures of N hulls of K corners, shape (7, N): corners first, so that all N are worked on at once."""
    x, y = (np.ascontiguousarray(axis) for axis in np.moveaxis(hulls_KN2 - hulls_KN2[:1], 2, 0))
    after_x, after_y = np.roll(x, -1, axis=0), np.roll(y, -1, axis=0)
    sides = np.hypot(after_x - x, after_y - y)
    real = sides > 0
    safe = np.where(real, sides, 1)
    along_x, along_y = (after_x - x) / safe, (after_y - y) / safe
    twice_area = (x * after_y - y * after_x).sum(axis=0)
    inwards = np.where(twice_area < 0, np.float32(-1), np.float32(1))
    begin, end = np.full_like(x, np.inf), np.full_like(x, -np.inf)
    depth = np.full_like(x, -np.inf)
    gap = np.zeros_like(x[0])
    for nth, (corner_x, corner_y) in enumerate(zip(x, y, strict=True)):
        place = along_x * corner_x + along_y * corner_y
        np.minimum(begin, place, out=begin)
        np.maximum(end, place, out=end)
        # All corners lie on one side of an edge, so the farthest alone gives the width.
        np.maximum(depth, (along_x * corner_y - along_y * corner_x) * inwards, out=depth)
        gaps = (x[nth:] - corner_x) ** 2 + (y[nth:] - corner_y) ** 2
        np.maximum(gap, gaps.max(axis=0), out=gap)
    widths = depth - (along_x * y - along_y * x) * inwards
    lengths = end - begin
    each = np.arange(x.shape[1])
    narrow = np.where(real, widths, np.inf).min(axis=0)
    best = np.where(real, widths * lengths, np.inf).argmin(axis=0)
    length, width = lengths[best, each], widths[best, each]
    angle = np.degrees(np.arctan2(-along_y[best, each], along_x[best, each]))
    angle += np.where(width > length, 90.0, 0.0)
    return np.stack(
        [
            np.sqrt(gap),
            np.where(np.isfinite(narrow), narrow, 0.0),
            np.maximum(length, width),
            np.minimum(length, width),
            np.where(angle % 180.0 >= 180.0 - 1e-9, 0.0, angle % 180.0),
            np.abs(twice_area) / 2,
            sides.sum(axis=0),
        ]
    )
