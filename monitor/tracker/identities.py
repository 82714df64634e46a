"""Label images of identities: relabelled, moved with the view, and remembered for crystals that are
missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from monitor.records import TrackerStep

Labels = NDArray[np.int32]


def relabel(labels_HW: Labels, number_by_label: Mapping[int, int]) -> Labels:
    """Replace every label by its number, others by 0; int32, shape (H, W)."""
    table = np.zeros(int(labels_HW.max(initial=0)) + 1, np.int32)
    for label, number in number_by_label.items():
        table[label] = number
    return np.asarray(table[labels_HW], np.int32)


def identities(labels_HW: Labels, result: TrackerStep, *, confirmed_only: bool = True) -> Labels:
    """The frame's labels with each crystal's number in place of its label; int32, shape (H, W)."""
    points = (point for point in result.updated if point.confirmed or not confirmed_only)
    return relabel(labels_HW, {point.observation.label: point.crystal_id for point in points})


def moved(labels_HW: Labels, x_px: int, y_px: int) -> Labels:
    """Shift a label image by whole pixels; what comes in is 0. The same array where the shift is 0."""
    if x_px == 0 and y_px == 0:
        return labels_HW
    height, width = labels_HW.shape
    result = np.zeros_like(labels_HW)
    if abs(x_px) >= width or abs(y_px) >= height:
        return result
    into = (_part(y_px, height), _part(x_px, width))
    out_of = (_part(-y_px, height), _part(-x_px, width))
    result[into] = labels_HW[out_of]
    return result


def _part(shift: int, size: int) -> slice:
    return slice(max(0, shift), min(size, size + shift))


def remember(present_HW: Labels, before_HW: Labels, on_top: Iterable[int], below: Iterable[int]) -> Labels:
    """Add the outlines of crystals that have no point in this frame.

    `present_HW`: numbers of the crystals that have one. `before_HW`: the remembered image, moved with the
    view. `on_top`: crystals inside a larger body, whose outlines are kept whole. `below`: missing crystals,
    whose outlines give way to crystals that are there.
    """
    size = int(before_HW.max(initial=0)) + 1
    rank = np.zeros(size, np.uint8)
    for number in below:
        if number < size:
            rank[number] = 1
    for number in on_top:
        if number < size:
            rank[number] = 2
    if not rank.any():
        return present_HW
    rank_HW = rank[before_HW]
    keep_HW = (rank_HW == 2) | ((rank_HW == 1) & (present_HW == 0))
    return np.where(keep_HW, before_HW, present_HW)
