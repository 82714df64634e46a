"""Seeds of crystals and their growth back to the crystal mask: how crystals that touch are parted."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from engine.thresholds import Thresholds

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]


def find_seeds(
    crystal_HW: npt.NDArray[np.float32], contact_HW: npt.NDArray[np.float32], limits: Thresholds
) -> tuple[Labels, Mask]:
    """Seeds (H, W) int32, 0 elsewhere, and the crystal mask (H, W), from calibrated probabilities.

    A seed is a connected part of the mask without its contacts. A part of the mask that the contacts
    cover wholly, or leave in crumbs below `seed_area_px` only, is one seed as it stands.
    """
    mask_HW = crystal_HW >= limits.crystal
    core_HW = (mask_HW & (contact_HW < limits.contact)).view(np.uint8)
    _, seeds_HW, stats, _ = cv2.connectedComponentsWithStats(core_HW, connectivity=4, ltype=cv2.CV_32S)
    large = stats[:, cv2.CC_STAT_AREA] >= limits.seed_area_px
    large[0] = False
    if not large.all():
        renumber = np.where(large, np.cumsum(large), 0).astype(np.int32)
        seeds_HW = renumber[seeds_HW]
    seeds = int(large.sum())
    parts, parts_HW = cv2.connectedComponents(mask_HW.view(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    seeded = np.zeros(parts, bool)
    seeded[parts_HW[seeds_HW > 0]] = True
    seeded[0] = True
    if not seeded.all():
        renumber = np.where(seeded, 0, seeds + np.cumsum(~seeded)).astype(np.int32)
        seeds_HW = seeds_HW + renumber[parts_HW]
    return np.ascontiguousarray(seeds_HW, np.int32), mask_HW


def grow_seeds(seeds_HW: Labels, mask_HW: Mask) -> Labels:
    """Grow the seeds over the mask at equal speed: labels (H, W) int32, each of them connected.

    Steps along axes and diagonals alternate, so that fronts are octagons. Where two fronts meet in one
    pixel, it goes by turns to the one and the other, lest either side gain area from its number.
    """
    height, width = mask_HW.shape
    padded_HW = np.zeros((height + 2, width + 2), np.int32)
    padded_HW[1:-1, 1:-1] = seeds_HW
    labels = padded_HW.ravel()
    row, column = np.nonzero(mask_HW & (seeds_HW == 0))
    pixels = (row + 1) * (width + 2) + column + 1
    prefers_larger = (row + column) % 2 == 0
    axes = (-(width + 2), -1, 1, width + 2)
    diagonals = (*axes, -(width + 3), -(width + 1), width + 1, width + 3)
    stalled = step = 0
    while len(pixels) and stalled < 2:
        neighbours = labels[pixels[None] + np.array(diagonals if step % 2 else axes)[:, None]]
        largest = neighbours.max(0)
        smallest = np.where(neighbours > 0, neighbours, np.int32(2**31 - 1)).min(0)
        reached = largest > 0
        chosen = np.where(prefers_larger, largest, smallest)
        labels[pixels[reached]] = chosen[reached]
        stalled = 0 if reached.any() else stalled + 1
        pixels, prefers_larger = pixels[~reached], prefers_larger[~reached]
        step += 1
    return np.ascontiguousarray(padded_HW[1:-1, 1:-1])
