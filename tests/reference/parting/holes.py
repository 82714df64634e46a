"""Holes inside one crystal: facets that reflect like the background, filled; gaps between crystals, left."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.thresholds import Thresholds
from tests.reference.parting.cut import BACKGROUND, Cut
from tests.reference.parting.runs import Positions

Labels = npt.NDArray[np.int32]


def fill_holes(
    labels: Labels, areas: npt.NDArray[np.float64], cut: Cut, gaps: Labels, limits: Thresholds
) -> Positions:
    """Fill the holes of single bodies in place; the positions of the pixels that were filled.

    `labels` and `gaps`, the connected parts of the background, are flat and in the cut's frame; `areas` are
    those of the labels, px². A hole is background that does not reach the image's border and is enclosed by
    one body only. It is filled up to `hole_area_px`, or up to `hole_fraction` of the body's own area.
    """
    of_run = gaps[cut.runs.starts]
    count = int(of_run.max()) + 1
    width = cut.mask_PQ.shape[1]
    largest = np.zeros(count, np.int32)
    smallest = np.full(count, np.iinfo(np.int32).max, np.int32)

    def look(part: npt.NDArray[np.int32], neighbours: Positions) -> None:
        seen = labels[neighbours]
        body = seen > 0
        np.maximum.at(largest, part[body], seen[body])
        np.minimum.at(smallest, part[body], seen[body])

    # All background that reaches the image's border is one with the frame's.
    inner = (cut.kinds == BACKGROUND) & (of_run != gaps[0])
    look(of_run[inner], cut.runs.starts[inner] - 1)
    look(of_run[inner], cut.runs.stops[inner])
    # Most gaps between crystals have shown two bodies by now, and are not looked at pixel by pixel.
    inner &= (largest == smallest)[of_run]
    holes = cut.runs[inner]
    at = holes.pixels()
    part = np.repeat(of_run[inner], holes.lengths)
    look(part, at - width)
    look(part, at + width)
    limit = np.maximum(limits.hole_area_px, limits.hole_fraction * areas[largest])
    filled = (largest == smallest) & (np.bincount(part, minlength=count) <= limit)
    fills = filled[part]
    labels[at[fills]] = largest[part[fills]]
    return np.asarray(at[fills], np.intp)
