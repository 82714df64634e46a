"""One frame's labels as the kernels take them, and what they find there, two threads sharing the work."""

from __future__ import annotations

from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.kernels import measuring
from engine.kernels.arrays import KernelInputError, contiguous
from monitor.measure.contact import disc_below
from monitor.measure.outline import REFINING, edge_of

Labels = NDArray[np.int32]
Float = NDArray[np.float64]

LEAST_AREA_PX = 0.5
"""An area is never below this, px²: a label has at least one pixel."""
OUTLINES_AT_A_TIME = 4
"""Parts of the outlines that threads take one after the other, so that neither waits long for the last."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The N crystals of an image, ordered by label; arrays of length N."""

    label: NDArray[np.int64]
    """Values in the label image."""
    regions: NDArray[np.void]
    """Sums over pixels, `measuring.REGION`."""
    outlines: NDArray[np.void]
    """Outlines before they are moved as a whole, `measuring.OUTLINE`."""
    area_px: Float
    """Sub-pixel area, px²."""
    pairs: NDArray[np.int64]
    """Which touch: shape (K, 2), labels, the smaller first, ascending."""


def look(
    labels_HW: Labels,
    probability_HW: NDArray[np.float32] | None,
    distance_px: float,
    threads: Executor,
    summed: bool,
) -> Found | None:
    """Find what there is to know of each label but 0 in pixels; None where there is no label.

    `distance_px`: the largest gap between crystals that touch; `summed`: whether the probability is. The result does
    not depend on the threads. Raise KernelInputError for arrays of another type or shape, or a negative label.
    """
    labels_HW = contiguous("labels_HW", labels_HW, np.int32)
    if probability_HW is not None:
        probability_HW = contiguous("probability_HW", probability_HW, np.float32)
        if probability_HW.shape != labels_HW.shape:
            raise KernelInputError(
                f"labels_HW is of shape {labels_HW.shape}, probability_HW of {probability_HW.shape}"
            )
    if labels_HW.size == 0:
        return None
    largest = int(labels_HW.view(np.uint32).max())
    if largest == 0:
        return None
    if largest >= 1 << 31:
        raise KernelInputError(f"labels_HW has the label {int(labels_HW.min())}; none may be negative")
    found = (
        None
        if largest > labels_HW.size
        else _look(labels_HW, probability_HW, largest, distance_px, threads, summed)
    )
    if found is not None:
        return found
    # Labels far larger than their number: each would be looked up in tables full of gaps.
    values, numbers = np.unique(labels_HW, return_inverse=True)
    if values[0] != 0:
        values, numbers = np.insert(values, 0, 0), numbers + 1
    numbered_HW = numbers.reshape(labels_HW.shape).astype(np.int32)
    found = _look(numbered_HW, probability_HW, len(values) - 1, distance_px, threads, summed)
    assert found is not None
    return replace(
        found, label=values[found.label].astype(np.int64), pairs=values[found.pairs].astype(np.int64)
    )


def _look(
    labels_HW: Labels,
    probability_HW: NDArray[np.float32] | None,
    largest: int,
    distance_px: float,
    threads: Executor,
    summed: bool,
) -> Found | None:
    height = labels_HW.shape[0]
    disc = disc_below(distance_px)
    halves = (range(height // 2), range(height // 2, height))
    around = [
        threads.submit(measuring.look_around, labels_HW, probability_HW, largest, rows, disc)
        for rows in halves
    ]
    survey = measuring.survey_regions(labels_HW, probability_HW if summed else None)
    if survey is None:
        wait(around)
        return None
    outlines = np.zeros(largest + 1, measuring.OUTLINE)
    edge_HW = edge_of(labels_HW, probability_HW)
    # Outlines grow with the root of the pixels.
    work = np.cumsum(np.sqrt(survey.regions["pixels"]))
    shares = work[-1] * np.arange(1, OUTLINES_AT_A_TIME) / OUTLINES_AT_A_TIME
    cuts = [0, *np.searchsorted(work, shares).tolist(), largest + 1]
    tracing = [
        threads.submit(
            measuring.measure_outlines, labels_HW, edge_HW, survey, range(begin, end), REFINING, outlines
        )
        for begin, end in pairwise(cuts)
    ]
    (upper, upper_pairs), (lower, lower_pairs) = (each.result() for each in around)
    for each in tracing:
        each.result()
    label = np.flatnonzero(survey.regions["pixels"])
    regions = survey.regions[label]
    keys = np.union1d(upper_pairs, lower_pairs)
    return Found(
        label=label.astype(np.int64),
        regions=regions,
        outlines=outlines[label],
        area_px=np.maximum(regions["pixels"] + (upper + lower)[label], LEAST_AREA_PX),
        pairs=np.stack([keys >> 32, keys & 0xFFFFFFFF], axis=1),
    )
