"""From calibrated probabilities to labelled crystals."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engine.threads import two_threads
from engine.thresholds import Thresholds
from tests.reference.parting.cut import BACKGROUND, Cut, cut_mask, label_parts
from tests.reference.parting.holes import fill_holes
from tests.reference.parting.seeds import find_seeds, grow_seeds

Float = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int32]

SHORT = 1 << 16


@dataclass(frozen=True)
class Bodies:
    """Crystals of one image."""

    labels_HW: npt.NDArray[np.int32]
    """Label of each pixel, 0 = background, 1…n without gaps; every label is one connected body."""
    scores: dict[int, float]
    """Mean calibrated crystal probability of each label, 0…1."""
    dropped: int
    """Bodies left out because they were too small or too doubtful."""


def postprocess(
    crystal_HW: npt.NDArray[np.float32], contact_HW: npt.NDArray[np.float32], limits: Thresholds
) -> Bodies:
    """Label the crystals, each its own also where they touch.

    `crystal_HW` and `contact_HW` are calibrated probabilities 0…1 float32 (H, W). Seeds are the parts
    of the crystal mask without contacts; they grow back over the mask, so that neighbours share the
    pixels between them; holes of single bodies are filled; small and doubtful bodies are dropped and
    counted. Two more threads help; the result does not depend on them.
    """
    cut = cut_mask(crystal_HW, contact_HW, limits)
    threads = two_threads()
    parting = threads.submit(label_parts, cut.mask_PQ)
    gapping = threads.submit(label_parts, 1 - cut.mask_PQ)
    summing = threads.submit(_sums, crystal_HW, cut)
    labels = label_parts(cut.core_PQ)
    seeds = find_seeds(labels, cut, parting.result(), limits)
    grow_seeds(labels, seeds.bare, cut.mask_PQ.shape[1], threads)
    gaps, sums = gapping.result(), summing.result()
    of_run = labels[cut.runs.starts]
    count = int(of_run.max()) + 1
    areas = _bins(of_run, cut.runs.lengths * seeds.is_seed, count) + _bins(labels[seeds.bare], None, count)
    filled = fill_holes(labels, areas, cut, gaps, limits)
    total = _bins(of_run, sums * seeds.is_seed, count)
    for at in (seeds.bare, filled):
        total += _bins(labels[at], crystal_HW.ravel()[cut.of_image(at)], count)
    areas += _bins(labels[filled], None, count)
    means = total / np.maximum(areas, 1)
    present = areas > 0
    kept = present & (areas >= limits.minimal_area_px) & (means >= limits.minimal_score)
    kept &= (areas >= limits.small_area_px) | (means >= limits.small_score)
    number = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    labels_HW = _renumbered(labels.reshape(cut.mask_PQ.shape)[1:-1, 1:-1], number)
    scores = {label: float(mean) for label, mean in enumerate(means[kept], start=1)}
    return Bodies(labels_HW, scores, int(present.sum() - kept.sum()))


def _renumbered(labels_HW: Labels, number: Labels) -> Labels:
    if len(number) > SHORT:
        return number[labels_HW]
    # OpenCV looks up short numbers, and several times as fast.
    table = np.zeros(SHORT, np.int32)
    table[: len(number)] = number
    return np.asarray(cv2.LUT(labels_HW.astype(np.uint16), table), np.int32)


def _bins(labels: npt.NDArray[np.int32], weights: npt.NDArray[np.generic] | None, count: int) -> Float:
    """Sum of the weights (None: of ones) of each label."""
    return np.bincount(labels, weights, count).astype(np.float64)


def _sums(crystal_HW: npt.NDArray[np.float32], cut: Cut) -> Float:
    """Probability summed over each run; 0 in the background."""
    inside = cut.kinds != BACKGROUND
    runs = cut.runs[inside]
    limits = cut.of_image(np.stack([runs.starts, runs.stops - 1], axis=1)).ravel()
    limits[1::2] += 1
    flat = crystal_HW.ravel()
    sums = np.zeros(len(inside))
    if len(limits):
        # Every other sum is that of a gap; the last run may end with the image, where no index may be.
        ends = limits[:-1] if limits[-1] == flat.size else limits
        sums[inside] = np.add.reduceat(flat, ends)[::2]
    return sums
