"""Calipers around convex hulls: Feret diameters and the smallest rectangle, for many crystals at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

CHUNK_CORNERS = 1 << 16
"""Corner pairs worked on at a time: what fits a processor's cache."""
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
    groups: dict[int, list[int]] = defaultdict(list)
    for index, hull in enumerate(hulls):
        groups[-(-len(hull) // CORNER_STEP) * CORNER_STEP].append(index)
    for corners, members in groups.items():
        chunk = max(1, CHUNK_CORNERS // corners**2)
        for start in range(0, len(members), chunk):
            some = members[start : start + chunk]
            result[:, some] = _turn(_stack([hulls[index] for index in some], corners))
    return Calipers(*result)


def _stack(hulls: Sequence[NDArray[np.float32]], corners: int) -> NDArray[np.float32]:
    """Shape (N, corners, 2): each hull filled up with its last corner, about its first."""
    stacked = np.empty((len(hulls), corners, 2), np.float32)
    for row, hull in zip(stacked, hulls, strict=True):
        row[: len(hull)] = hull
        row[len(hull) :] = hull[-1]
    return stacked - stacked[:, :1]


def _turn(hulls_NK2: NDArray[np.float32]) -> Float:
    after = np.roll(hulls_NK2, -1, axis=1)
    edges = after - hulls_NK2
    sides = np.hypot(edges[..., 0], edges[..., 1])
    real = sides > 0
    along = edges / np.where(real, sides, 1)[..., None]
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    corners = hulls_NK2.transpose(0, 2, 1)
    twice_area = (hulls_NK2[..., 0] * after[..., 1] - hulls_NK2[..., 1] * after[..., 0]).sum(axis=1)
    inwards = np.where(twice_area < 0, -across.transpose(2, 1, 0), across.transpose(2, 1, 0)).transpose(
        2, 1, 0
    )
    # All corners lie on one side of an edge, so the farthest alone gives the width.
    widths = (inwards @ corners).max(axis=2) - (inwards * hulls_NK2).sum(axis=2)
    places = along @ corners
    lengths = places.max(axis=2) - places.min(axis=2)
    squares = (hulls_NK2**2).sum(axis=2)
    gaps = squares[:, :, None] + squares[:, None] - 2 * (hulls_NK2 @ corners)
    rows = np.arange(len(hulls_NK2))
    narrow = np.where(real, widths, np.inf).min(axis=1)
    best = np.where(real, widths * lengths, np.inf).argmin(axis=1)
    length, width = lengths[rows, best], widths[rows, best]
    x, y = along[rows, best].T
    angle = np.degrees(np.arctan2(-y, x)) + np.where(width > length, 90.0, 0.0)
    return np.stack(
        [
            np.sqrt(np.maximum(gaps.max(axis=(1, 2)), 0)),
            np.where(np.isfinite(narrow), narrow, 0.0),
            np.maximum(length, width),
            np.minimum(length, width),
            np.where(angle % 180.0 >= 180.0 - 1e-9, 0.0, angle % 180.0),
            np.abs(twice_area) / 2,
            sides.sum(axis=1),
        ]
    )
