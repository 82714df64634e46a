"""Masks as run lengths, cropped to each crystal: compact, lossless, and close to COCO's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class CroppedMask:
    """One crystal's mask within its bounding box."""

    crystal_id: int
    """The crystal's number."""
    bbox_xywh_px: tuple[int, int, int, int]
    """First column, first row, width, height, px."""
    counts: tuple[int, ...]
    """Lengths of runs outside, inside, outside ... down the columns of the box, as in COCO; the first may be
    0."""


def crop_masks(labels_HW: Labels) -> list[CroppedMask]:
    """The masks of all crystals in a label image (H, W), int32, 0 = background; ordered by number."""
    rows, columns = np.nonzero(labels_HW)
    if rows.size == 0:
        return []
    values = labels_HW[rows, columns]
    order = np.argsort(values, kind="stable")
    numbers, starts = np.unique(values[order], return_index=True)
    masks = []
    for number, members in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
        x, y = int(columns[members].min()), int(rows[members].min())
        width, height = int(columns[members].max()) - x + 1, int(rows[members].max()) - y + 1
        box = labels_HW[y : y + height, x : x + width] == number
        masks.append(CroppedMask(number, (x, y, width, height), _run_lengths(box)))
    return masks


def paint_masks(masks: list[CroppedMask], height_px: int, width_px: int) -> Labels:
    """The label image (height_px, width_px), int32, that the masks were cropped from."""
    labels_HW = np.zeros((height_px, width_px), np.int32)
    for mask in masks:
        x, y, width, height = mask.bbox_xywh_px
        inside = np.arange(len(mask.counts)) % 2 == 1
        box = np.repeat(inside, mask.counts).reshape((height, width), order="F")
        labels_HW[y : y + height, x : x + width][box] = mask.crystal_id
    return labels_HW


def _run_lengths(mask_HW: NDArray[np.bool_]) -> tuple[int, ...]:
    flat = mask_HW.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    bounds = [0, *changes.tolist(), flat.size]
    lengths = np.diff(bounds).tolist()
    return tuple([0, *lengths] if flat[0] else lengths)
