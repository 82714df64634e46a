"""The outlines of all crystals: traced one by one, refined and measured all at once.

An outline runs where the calibrated probability is one half: the polygon through the centres of a crystal's
boundary pixels, each moved along its normal by as much as the probabilities beyond it add up to. What is
left to the crystal's sub-pixel area is made up by moving the whole outline by δ (Steiner: A(δ) = A + Pδ +
πδ²), so that area, Feret diameters, rectangle and perimeter all speak of the same edge.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.reference.measuring.contours import Chains
from tests.reference.measuring.narrow import Narrow
from tests.reference.measuring.regions import Float

TANGENT_STEPS = 2
"""Normals are taken across this many boundary pixels to either side."""
SHORTEST_REFINED = 8
"""Outlines of fewer boundary pixels have no normals to speak of; δ alone refines them."""
BLUR_PX = 1.0
"""Without a probability map, the labels blurred by this much (standard deviation) stand in for one."""
MOST_MOVE_PX = 1.5
LEAST_MOVE_PX = -0.5
HULL_TOLERANCE_PX = 0.1
"""Corners of a hull that stand out by less than this are left out."""
POINTS_AT_A_TIME = 1 << 15
LONGEST_ROW = 1 << 12
"""OpenCV samples no more than 32,767 points in a row."""

Single = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Outlines of N crystals. Arrays of length N."""

    hulls: tuple[NDArray[np.float32], ...]
    """Corners of each crystal's convex hull, in order, shape (K, 2), (x, y)."""
    area_px: Float
    """Area inside the refined polygon, holes filled, px²."""
    hole_px: Float
    """Pixels of holes."""
    perimeter_px: Float
    """Length of that polygon, px."""
    bodies: Float
    """Separate bodies of the label; 1 for a proper crystal."""

    def offset_px(self, area_px: Float) -> Float:
        """How far, px, each outline has to move outwards to enclose `area_px`, holes aside."""
        steiner = np.pi * self.bodies
        missing = area_px + self.hole_px - self.area_px
        root = np.sqrt(np.maximum(self.perimeter_px**2 + 4 * steiner * missing, 0))
        offset = (root - self.perimeter_px) / (2 * steiner)
        return np.asarray(np.clip(offset, LEAST_MOVE_PX, MOST_MOVE_PX), np.float64)


def trace(
    narrow_HW: Narrow,
    probability_HW: NDArray[np.float32] | None,
    chains: Chains,
    pixels: Float,
    threads: Executor,
) -> Outlines:
    """Refine the boundaries of N crystals and measure them.

    `pixels` are the whole pixels of each crystal; `probability_HW` None: the labels themselves are refined.
    """
    if probability_HW is None:
        probability_HW = np.asarray(
            cv2.GaussianBlur((narrow_HW > 0).astype(np.float32), (0, 0), BLUR_PX), np.float32
        )
    edge_HW = probability_HW
    # What belongs to so many points stays in the processor's cache from one step to the next.
    traced = list(
        threads.map(lambda some: _trace_some(narrow_HW, edge_HW, some), chains.split(POINTS_AT_A_TIME))
    )
    filled, area, perimeter, bodies = np.concatenate([figures for figures, _ in traced], axis=1)
    return Outlines(
        hulls=tuple(hull for _, hulls in traced for hull in hulls),
        area_px=area,
        hole_px=np.maximum(filled - pixels, 0),
        perimeter_px=perimeter,
        bodies=bodies,
    )


def _trace_some(
    narrow_HW: Narrow, probability_HW: NDArray[np.float32], chains: Chains
) -> tuple[Float, list[NDArray[np.float32]]]:
    """Pixels with holes, area, perimeter and number of bodies of each crystal, shape (4, N); and their hulls."""
    count = int(chains.owners[-1]) + 1
    starts = np.cumsum(chains.lengths) - chains.lengths
    after = chains.neighbour(1)
    x, y = (np.ascontiguousarray(axis) for axis in chains.points.T)

    def areas() -> Float:
        twice = x * y[after].astype(np.float64) - y * x[after].astype(np.float64)
        return np.abs(np.add.reduceat(twice, starts)) / 2

    on_boundary = np.where(chains.lengths == 1, 0, chains.lengths)
    # Pick's theorem: a polygon through pixel centres of area A with B boundary pixels holds A + B/2 + 1.
    filled = areas() + on_boundary / 2 + 1
    beside = chains.neighbour(-TANGENT_STEPS), chains.neighbour(TANGENT_STEPS)
    x, y = _refine(chains, beside, x, y, narrow_HW, probability_HW)
    sides = np.hypot(x[after] - x, y[after] - y)
    by_body = (filled, areas(), np.add.reduceat(sides, starts, dtype=np.float64), None)
    figures = np.stack([np.bincount(chains.owners, column, count) for column in by_body]).astype(np.float64)
    points = np.bincount(chains.owners, chains.lengths, count).astype(np.int64)
    corner = _may_be_corner(x, y, beside, points)
    ends = np.cumsum(np.add.reduceat(corner, np.cumsum(points) - points, dtype=np.int64))
    hulls: list[NDArray[np.float32]] = []
    for own in np.split(np.stack([x[corner], y[corner]], axis=1), ends[:-1]):
        hull = cv2.approxPolyDP(cv2.convexHull(own), HULL_TOLERANCE_PX, True)
        hulls.append(np.asarray(hull, np.float32).reshape(-1, 2))
    return figures, hulls


def _may_be_corner(
    x: Single, y: Single, beside: tuple[NDArray[np.int64], NDArray[np.int64]], points: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which points may be corners of their crystal's hull; `points` of each crystal lie one after the other.

    A point in the triangle of two others and the middle of all is none. What this leaves out need not be sorted.
    """
    starts = np.cumsum(points) - points
    middle_x, middle_y = (np.repeat(np.add.reduceat(axis, starts) / points, points) for axis in (x, y))
    x, y = x - middle_x.astype(np.float32), y - middle_y.astype(np.float32)
    a_x, a_y, b_x, b_y = x[beside[0]], y[beside[0]], x[beside[1]], y[beside[1]]
    between = (a_y * x > a_x * y) & (y * b_x > x * b_y)
    return ~(between & ((b_y - a_y) * (x - a_x) >= (b_x - a_x) * (y - a_y)))


def _refine(
    chains: Chains,
    beside: tuple[NDArray[np.int64], NDArray[np.int64]],
    x: Single,
    y: Single,
    narrow_HW: Narrow,
    probability_HW: NDArray[np.float32],
) -> tuple[Single, Single]:
    """Move each boundary pixel's centre onto the edge.

    From the centre, which lies inside, the edge is as far as the probabilities at 0, 1 and 2 px along the
    outward normal add up to, less one half; only up to the next crystal where there is one.
    """
    before, after = beside
    along_x, along_y = x[after] - x[before], y[after] - y[before]
    length = np.hypot(along_x, along_y)
    has_normal = np.repeat(chains.lengths >= SHORTEST_REFINED, chains.lengths) & (length > 0)
    scale = np.where(has_normal, 1 / np.maximum(length, np.float32(1e-9)), np.float32(0))
    # OpenCV walks outer outlines so that the outside lies to this hand.
    normal_x, normal_y = -along_y * scale, along_x * scale
    at = y.astype(np.intp) * narrow_HW.shape[1] + x.astype(np.intp)
    own = narrow_HW.ravel()[at]
    distance = probability_HW.ravel()[at] - np.float32(0.5)
    free = np.ones(len(x), bool)
    for step in (np.float32(1), np.float32(2)):
        beyond_x, beyond_y = x + step * normal_x, y + step * normal_y
        there = _sample(narrow_HW, beyond_x, beyond_y, cv2.INTER_NEAREST, cv2.BORDER_REPLICATE)
        free &= (there == 0) | (there == own)
        sampled = _sample(probability_HW, beyond_x, beyond_y, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT)
        distance += np.where(free, sampled, np.float32(0))
    distance = np.clip(distance, np.float32(LEAST_MOVE_PX), np.float32(MOST_MOVE_PX))
    return x + distance * normal_x, y + distance * normal_y


def _sample(image_HW: Narrow, x: Single, y: Single, how: int, border: int) -> Single:
    """Values of an image at points; beyond its border the nearest or 0."""
    rows = -(-len(x) // LONGEST_ROW)
    filled = np.zeros((2, rows * LONGEST_ROW), np.float32)
    filled[0, : len(x)], filled[1, : len(x)] = x, y
    map_x, map_y = filled.reshape(2, rows, LONGEST_ROW)
    sampled = cv2.remap(image_HW, map_x, map_y, how, borderMode=border)
    return np.asarray(sampled, np.float32).ravel()[: len(x)]
