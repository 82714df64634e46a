"""The boundary pixels of all crystals in order, traced over the whole image at once."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.reference.measuring.narrow import Narrow


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """Boundary pixels of the bodies of N crystals, one after the other, by crystal."""

    points: NDArray[np.float32]
    """Shape (P, 2), (x, y)."""
    lengths: NDArray[np.int64]
    """Boundary pixels of each body."""
    owners: NDArray[np.int64]
    """Which crystal, 0 to N − 1, each body belongs to; ascending."""

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

    def split(self, most_points: int) -> list[Chains]:
        """The same in parts of whole crystals, of about so many points; owners are numbered anew in each."""
        ends = np.cumsum(self.lengths)
        part = ends // most_points
        first_of_crystal = np.flatnonzero(np.diff(self.owners, prepend=-1))
        cuts = first_of_crystal[np.flatnonzero(np.diff(part[first_of_crystal], prepend=part[0]))].tolist()
        parts = []
        for begin, end in pairwise([0, *cuts, len(self.lengths)]):
            points = slice(int(ends[begin] - self.lengths[begin]), int(ends[end - 1]))
            owners = self.owners[begin:end]
            parts.append(Chains(self.points[points], self.lengths[begin:end], owners - owners[0]))
        return parts


def follow(
    labels_HW: NDArray[np.int32],
    narrow_HW: Narrow,
    label: NDArray[np.int64],
    adjoining: Mapping[int, tuple[int, ...]],
    threads: Executor,
) -> Chains:
    """Follow the outer boundary of every body of every label (8-connected).

    `narrow_HW`: the same labels; `label`: the N of them, ascending; `adjoining`: at least those that each label
    touches, corners included.
    """
    colour = _colours(label, adjoining)
    if narrow_HW.dtype == np.uint16:  # OpenCV looks up short numbers, and several times as fast
        table = np.zeros(1 << 16, np.uint8)
        table[: len(colour)] = colour
        colours_HW = np.asarray(cv2.LUT(narrow_HW, table), np.uint8)
    else:
        colours_HW = colour[labels_HW]

    def follow_one(value: int) -> list[NDArray[np.int32]]:
        # No two crystals of one colour touch, so that one image shows them all.
        chains, tree = cv2.findContours(
            (colours_HW == value).view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
        )
        return [
            np.asarray(chain, np.int32)
            for chain, parent in zip(chains, tree[0, :, 3].tolist(), strict=True)
            if parent < 0
        ]

    found = [chain for some in threads.map(follow_one, range(1, int(colour.max()) + 1)) for chain in some]
    points = np.concatenate(found).reshape(-1, 2)
    lengths = np.array([len(chain) for chain in found], np.int64)
    starts = np.cumsum(lengths) - lengths
    x, y = points[starts].T
    owners = np.searchsorted(label, labels_HW[y, x])
    order = np.argsort(owners, kind="stable")
    lengths = lengths[order]
    place = np.arange(len(points)) + np.repeat(starts[order] - np.cumsum(lengths) + lengths, lengths)
    return Chains(points.astype(np.float32)[place], lengths, owners[order])


def _colours(label: NDArray[np.int64], adjoining: Mapping[int, tuple[int, ...]]) -> NDArray[np.uint8]:
    """A colour from 1 for each label (0 for the background) that no adjoining one has; indexed by label."""
    chosen: dict[int, int] = {0: 0}
    for each in label.tolist():
        taken = {chosen[other] for other in adjoining.get(each, ()) if other in chosen}
        chosen[each] = next(value for value in range(1, len(taken) + 2) if value not in taken)
    colour = np.zeros(int(label[-1]) + 1, np.uint8)
    colour[list(chosen)] = list(chosen.values())
    return colour
