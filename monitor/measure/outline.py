"""The outlines of all crystals: traced one by one, measured all at once.

An outline is the polygon through the centres of a crystal's boundary pixels, moved outwards by the distance
δ at which it encloses the crystal's sub-pixel area (Steiner: A(δ) = A + Pδ + πδ²). So area, Feret diameters,
rectangle and perimeter speak of the same edge: the one where the calibrated probability is one half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Box = tuple[slice, slice]

CHORD_STEPS = (1, 2)
"""The perimeter is the mean over these of the length measured with chords of ±k boundary pixels: see the
README for its bias."""
MOST_OFFSET_PX = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """Outlines of N crystals. Arrays of length N."""

    hulls: tuple[NDArray[np.int32], ...]
    """Corners of each crystal's convex hull, shape (K, 2), (x, y), through pixel centres."""
    area_px: Float
    """Area inside the polygon through pixel centres, holes filled, px²."""
    filled_pixels: Float
    """Pixels inside or on the polygon, holes filled (Pick's theorem)."""
    perimeter_px: Float
    """Length of that polygon, by chords, px."""
    bodies: Float
    """Separate bodies of the label; 1 for a proper crystal."""

    def offset_px(self, area_px: Float, pixels: Float) -> Float:
        """How far, px, each outline has to move outwards to enclose `area_px`; `pixels` are its whole
        pixels."""
        target = area_px + (self.filled_pixels - pixels)
        steiner = np.pi * self.bodies
        root = np.sqrt(np.maximum(self.perimeter_px**2 + 4 * steiner * (target - self.area_px), 0))
        return np.asarray(np.clip((root - self.perimeter_px) / (2 * steiner), 0, MOST_OFFSET_PX), np.float64)


def trace(labels_HW: NDArray[np.int32], label: NDArray[np.int64], boxes: Sequence[Box]) -> Outlines:
    """Trace the outer outline of every label inside its bounding box (8-connected, all boundary pixels)."""
    hulls: list[NDArray[np.int32]] = []
    chains: list[NDArray[np.int32]] = []
    owners: list[int] = []
    for index, (value, box) in enumerate(zip(label.tolist(), boxes, strict=True)):
        mask = (labels_HW[box] == value).view(np.uint8)
        found, _ = cv2.findContours(
            mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(box[1].start, box[0].start)
        )
        points = found[0] if len(found) == 1 else np.concatenate(found)
        hulls.append(np.asarray(cv2.convexHull(points), np.int32).reshape(-1, 2))
        chains.extend(np.asarray(chain, np.int32) for chain in found)
        owners.extend([index] * len(found))
    return _measure(tuple(hulls), chains, np.array(owners, np.int64), len(label))


def _measure(
    hulls: tuple[NDArray[np.int32], ...],
    chains: list[NDArray[np.int32]],
    owners: NDArray[np.int64],
    count: int,
) -> Outlines:
    lengths = np.array([len(chain) for chain in chains], np.int64)
    points = np.concatenate(chains).reshape(-1, 2).astype(np.float64)
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    within = np.arange(len(points)) - first
    length = np.repeat(lengths, lengths)
    after = points[first + (within + 1) % length]
    twice_area = points[:, 0] * after[:, 1] - points[:, 1] * after[:, 0]
    perimeter = np.zeros(len(points))
    for step in CHORD_STEPS:
        ahead = points[first + (within + step) % length]
        behind = points[first + (within - step) % length]
        perimeter += np.hypot(*(ahead - behind).T) / (2 * step * len(CHORD_STEPS))
    # Chords vanish on outlines of a few pixels; their steps do not.
    steps = np.hypot(*(after - points).T)
    short = length < 4 * max(CHORD_STEPS)
    perimeter[short] = steps[short]
    owner = np.repeat(owners, lengths)
    body = np.repeat(np.arange(len(chains)), lengths)
    body_area = np.abs(np.bincount(body, twice_area)) / 2
    area = np.bincount(owners, body_area, count).astype(np.float64)
    on_boundary = np.bincount(owners, np.where(lengths == 1, 0, lengths), count)
    bodies = np.bincount(owners, minlength=count).astype(np.float64)
    return Outlines(
        hulls,
        area,
        area + on_boundary / 2 + bodies,
        np.bincount(owner, perimeter, count).astype(np.float64),
        bodies,
    )
