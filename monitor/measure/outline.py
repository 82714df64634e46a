"""The outlines of all crystals: traced one by one, refined and measured all at once.

An outline runs where the calibrated probability is one half: the polygon through the centres of a crystal's
boundary pixels, each moved along its normal by as much as the probabilities beyond it add up to. What is
left to the crystal's sub-pixel area is made up by moving the whole outline by δ (Steiner: A(δ) = A + Pδ +
πδ²), so that area, Feret diameters, rectangle and perimeter all speak of the same edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from monitor.measure.contours import Chains
from monitor.measure.regions import Float

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
POINTS_AT_A_TIME = 1 << 14
"""Points that are moved together; OpenCV samples no more than 32,767 in a row."""

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
    labels_HW: NDArray[np.int32],
    probability_HW: NDArray[np.float32] | None,
    chains: Chains,
    pixels: Float,
) -> Outlines:
    """Refine the boundaries of N crystals and measure them.

    `pixels` are the whole pixels of each crystal; `probability_HW` None: the labels themselves are refined.
    """
    count = len(pixels)
    whole = _areas(chains.points, chains, count)
    on_boundary = np.where(chains.lengths == 1, 0, chains.lengths)
    bodies_N = np.bincount(chains.owners, minlength=count).astype(np.float64)
    # Pick's theorem: a polygon through pixel centres of area A with B boundary pixels holds A + B/2 + 1.
    filled = whole + np.bincount(chains.owners, on_boundary, count) / 2 + bodies_N
    if probability_HW is None:
        probability_HW = np.asarray(
            cv2.GaussianBlur((labels_HW > 0).astype(np.float32), (0, 0), BLUR_PX), np.float32
        )
    refined = _refine(chains, labels_HW, probability_HW)
    return Outlines(
        hulls=_hulls(refined, chains, count),
        area_px=_areas(refined, chains, count),
        hole_px=np.maximum(filled - pixels, 0),
        perimeter_px=_perimeters(refined, chains, count),
        bodies=bodies_N,
    )


def _refine(
    chains: Chains, labels_HW: NDArray[np.int32], probability_HW: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Move each boundary pixel's centre onto the edge.

    From the centre, which lies inside, the edge is as far as the probabilities at 0, 1 and 2 px along the
    outward normal add up to, less one half; only up to the next crystal where there is one.
    """
    x, y = (np.ascontiguousarray(axis) for axis in chains.points.T)
    before, after = chains.neighbour(-TANGENT_STEPS), chains.neighbour(TANGENT_STEPS)
    has_normal = np.repeat(chains.lengths >= SHORTEST_REFINED, chains.lengths)
    refined = np.empty_like(chains.points)
    # What belongs to so many points stays in the processor's cache from one step to the next.
    for start in range(0, len(x), POINTS_AT_A_TIME):
        some = slice(start, start + POINTS_AT_A_TIME)
        along_x, along_y = x[after[some]] - x[before[some]], y[after[some]] - y[before[some]]
        length = np.hypot(along_x, along_y)
        scale = np.where((length > 0) & has_normal[some], 1 / np.maximum(length, np.float32(1e-9)), 0)
        # OpenCV walks outer outlines so that the outside lies to this hand.
        normal = (-along_y * scale, along_x * scale)
        move = _distance(x[some], y[some], normal, labels_HW, probability_HW)
        refined[some, 0] = x[some] + move * normal[0]
        refined[some, 1] = y[some] + move * normal[1]
    return refined


def _distance(
    x: Single,
    y: Single,
    normal: tuple[Single, Single],
    labels_HW: NDArray[np.int32],
    probability_HW: NDArray[np.float32],
) -> Single:
    """How far, px, the edge lies beyond each boundary pixel's centre along its normal."""
    height, width = labels_HW.shape
    at = y.astype(np.intp) * width + x.astype(np.intp)
    labels = labels_HW.ravel()
    own = labels[at]
    distance = probability_HW.ravel()[at] - np.float32(0.5)
    free = np.ones(len(x), bool)
    for step in (np.float32(1), np.float32(2)):
        beyond_x, beyond_y = x + step * normal[0], y + step * normal[1]
        at_x = np.clip(np.rint(beyond_x).astype(np.intp), 0, width - 1)
        at_y = np.clip(np.rint(beyond_y).astype(np.intp), 0, height - 1)
        there = labels[at_y * width + at_x]
        free &= (there == 0) | (there == own)
        sampled = cv2.remap(
            probability_HW,
            beyond_x,
            beyond_y,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0,
        )
        distance += np.where(free, np.asarray(sampled, np.float32).ravel(), np.float32(0))
    return np.asarray(np.clip(distance, np.float32(LEAST_MOVE_PX), np.float32(MOST_MOVE_PX)), np.float32)


def _areas(points: NDArray[np.float32], chains: Chains, count: int) -> Float:
    x, y = points.T.astype(np.float64)
    after = chains.neighbour(1)
    body = np.repeat(np.arange(len(chains.lengths)), chains.lengths)
    twice = np.bincount(body, x * y[after] - y * x[after], minlength=len(chains.lengths))
    return np.bincount(chains.owners, np.abs(twice) / 2, count).astype(np.float64)


def _perimeters(points: NDArray[np.float32], chains: Chains, count: int) -> Float:
    sides = points[chains.neighbour(1)] - points
    owner = np.repeat(chains.owners, chains.lengths)
    return np.bincount(owner, np.hypot(sides[:, 0], sides[:, 1]), count).astype(np.float64)


def _hulls(points: NDArray[np.float32], chains: Chains, count: int) -> tuple[NDArray[np.float32], ...]:
    ends = np.cumsum(np.bincount(chains.owners, chains.lengths, count)).astype(np.int64)
    hulls = []
    for own in np.split(points, ends[:-1]):
        hull = cv2.convexHull(own)
        hulls.append(np.asarray(cv2.approxPolyDP(hull, HULL_TOLERANCE_PX, True), np.float32).reshape(-1, 2))
    return tuple(hulls)
