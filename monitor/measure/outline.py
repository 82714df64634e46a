"""The outlines of all crystals: traced one by one, refined and measured all at once.

An outline runs where the calibrated probability is one half: the polygon through the centres of a crystal's
boundary pixels, each moved along its normal by as much as the probabilities beyond it add up to. What is
left to the crystal's sub-pixel area is made up by moving the whole outline by δ (Steiner: A(δ) = A + Pδ +
πδ²), so that area, Feret diameters, rectangle and perimeter all speak of the same edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from monitor.measure.regions import Box, Float

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
MAP_WIDTH = 4096
"""Points are sampled in rows of this many: OpenCV takes no longer ones than 32,767."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Chains:
    """Boundary pixels of all bodies, one after the other."""

    points: NDArray[np.float32]
    """Shape (P, 2), (x, y)."""
    lengths: NDArray[np.int64]
    """Boundary pixels of each body."""
    owners: NDArray[np.int64]
    """Which crystal each body belongs to."""

    def neighbour(self, steps: int) -> NDArray[np.int64]:
        """Position of the boundary pixel `steps` (either way) further along each pixel's body."""
        count = len(self.points)
        result = np.arange(count) + steps
        ends = np.cumsum(self.lengths)
        starts = ends - self.lengths
        # Only the first or last few of each body step over its end.
        for offset in range(abs(steps)):
            at = starts + offset if steps < 0 else ends - 1 - offset
            inside = (at >= starts) & (at < ends)
            at, start, length = at[inside], starts[inside], self.lengths[inside]
            result[at] = start + (at - start + steps) % length
        return result


def trace(
    labels_HW: NDArray[np.int32],
    probability_HW: NDArray[np.float32] | None,
    label: NDArray[np.int64],
    boxes: Sequence[Box],
    pixels: Float,
) -> Outlines:
    """Trace the outer outline of every label inside its bounding box (8-connected), then refine all.

    `pixels` are the whole pixels of each label; `probability_HW` None: the labels themselves are refined.
    """
    found: list[NDArray[np.int32]] = []
    owners: list[int] = []
    for index, (value, box) in enumerate(zip(label.tolist(), boxes, strict=True)):
        mask = (labels_HW[box] == value).view(np.uint8)
        bodies, _ = cv2.findContours(
            mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(box[1].start, box[0].start)
        )
        found.extend(np.asarray(body, np.int32) for body in bodies)
        owners.extend([index] * len(bodies))
    chains = _Chains(
        np.concatenate(found).reshape(-1, 2).astype(np.float32),
        np.array([len(body) for body in found], np.int64),
        np.array(owners, np.int64),
    )
    whole = _areas(chains.points, chains, len(label))
    on_boundary = np.where(chains.lengths == 1, 0, chains.lengths)
    bodies_N = np.bincount(chains.owners, minlength=len(label)).astype(np.float64)
    # Pick's theorem: a polygon through pixel centres of area A with B boundary pixels holds A + B/2 + 1.
    filled = whole + np.bincount(chains.owners, on_boundary, len(label)) / 2 + bodies_N
    if probability_HW is None:
        probability_HW = np.asarray(
            cv2.GaussianBlur((labels_HW > 0).astype(np.float32), (0, 0), BLUR_PX), np.float32
        )
    refined = _refine(chains, labels_HW, probability_HW)
    return Outlines(
        hulls=_hulls(refined, chains, len(label)),
        area_px=_areas(refined, chains, len(label)),
        hole_px=np.maximum(filled - pixels, 0),
        perimeter_px=_perimeters(refined, chains, len(label)),
        bodies=bodies_N,
    )


def _refine(
    chains: _Chains, labels_HW: NDArray[np.int32], probability_HW: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Move each boundary pixel's centre onto the edge.

    From the centre, which lies inside, the edge is as far as the probabilities at 0, 1 and 2 px along the
    outward normal add up to, less one half; only up to the next crystal where there is one.
    """
    points = chains.points
    tangent = points[chains.neighbour(TANGENT_STEPS)] - points[chains.neighbour(-TANGENT_STEPS)]
    length = np.hypot(tangent[:, 0], tangent[:, 1])
    length[np.repeat(chains.lengths, chains.lengths) < SHORTEST_REFINED] = 0
    safe = np.where(length > 0, length, 1)
    # OpenCV walks outer outlines so that the outside lies to this hand.
    normal = np.stack([-tangent[:, 1] / safe, tangent[:, 0] / safe], axis=1).astype(np.float32)
    normal[length == 0] = 0
    columns, rows = points.T.astype(np.intp)
    own = labels_HW[rows, columns]
    distance = probability_HW[rows, columns] - np.float32(0.5)
    free = np.ones(len(points), bool)
    height, width = labels_HW.shape
    for step in (1, 2):
        beyond = np.asarray(points + step * normal, np.float32)
        at_x = np.clip(np.rint(beyond[:, 0]).astype(np.intp), 0, width - 1)
        at_y = np.clip(np.rint(beyond[:, 1]).astype(np.intp), 0, height - 1)
        there = labels_HW[at_y, at_x]
        free &= (there == 0) | (there == own)
        distance += np.where(free, _sample(probability_HW, beyond), 0)
    return np.asarray(points + np.clip(distance, LEAST_MOVE_PX, MOST_MOVE_PX)[:, None] * normal, np.float32)


def _sample(image_HW: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bilinear samples at (x, y); 0 outside the image."""
    count = len(points)
    rows = -(-count // MAP_WIDTH)
    filled = np.full((2, rows * MAP_WIDTH), -9, np.float32)
    filled[:, :count] = points.T
    map_x, map_y = filled.reshape(2, rows, MAP_WIDTH)
    sampled = cv2.remap(
        image_HW, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
    return np.asarray(sampled, np.float32).ravel()[:count]


def _areas(points: NDArray[np.float32], chains: _Chains, count: int) -> Float:
    x, y = points.T.astype(np.float64)
    after = chains.neighbour(1)
    body = np.repeat(np.arange(len(chains.lengths)), chains.lengths)
    twice = np.bincount(body, x * y[after] - y * x[after], minlength=len(chains.lengths))
    return np.bincount(chains.owners, np.abs(twice) / 2, count).astype(np.float64)


def _perimeters(points: NDArray[np.float32], chains: _Chains, count: int) -> Float:
    sides = points[chains.neighbour(1)] - points
    owner = np.repeat(chains.owners, chains.lengths)
    return np.bincount(owner, np.hypot(sides[:, 0], sides[:, 1]), count).astype(np.float64)


def _hulls(points: NDArray[np.float32], chains: _Chains, count: int) -> tuple[NDArray[np.float32], ...]:
    ends = np.cumsum(np.bincount(chains.owners, chains.lengths, count)).astype(np.int64)
    hulls = []
    for own in np.split(points, ends[:-1]):
        hull = cv2.convexHull(own)
        hulls.append(np.asarray(cv2.approxPolyDP(hull, HULL_TOLERANCE_PX, True), np.float32).reshape(-1, 2))
    return tuple(hulls)
