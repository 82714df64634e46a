"""Leaks in contact lines: where the line between two crystals is seen, but not all along.

One missing pixel would fuse two crystals. What a leak joins hangs together by a neck that is narrow beside both
bodies, and a contact line runs up to the neck on the way between them. Either sign alone is none: crystals have
waists, and lines end inside of crystals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]
Float = npt.NDArray[np.float32]
_Kind = TypeVar("_Kind", bound=np.generic)

HALF_WIDTHS_PX = (2.0, 4.0, 8.0, 16.0, 28.0)
"""Half widths of the necks that are looked for, px; a neck counts at the first that is wider."""
BODY_PER_NECK = 1.75
"""Least radius of the largest disc in either body, relative to the neck's half width."""
FAINT = 0.05
"""Contact along the line may be fainter than the threshold of contact by this factor."""
SEEN_SHARE = 0.3
"""Least share of the way between the bodies along which a contact is seen, if faintly."""
_STEPS = round(HALF_WIDTHS_PX[-1])
_LAST_STEPS = 10
"""Enough for rims and contact bands; what is farther off is a spur of one body alone."""
_MOST_BODIES = 1 << 16
_LEAST_OTHER_PX = 100
"""Parts below are crumbs of the contact itself, px²."""
_BAND_PX = 4
"""How wide a contact reaches into a crystal, px."""
_BESIDE_PX = 2
"""How far beside the middle between the bodies the contact may lie, px."""


@dataclass(frozen=True, slots=True, eq=False)
class _Scale:
    """What is left where necks up to a half width are taken away; px of the image of half the size."""

    half_width: float
    bodies_HW: Labels
    where: npt.NDArray[np.intp]


def mend_leaks(core_HW: Plane, mask_HW: Plane, contact_HW: Float, threshold: float) -> int:
    """Cut the necks in the core of the mask that are leaks, in place; how many there were.

    Planes (H, W) are 1 where crystal (`mask_HW`) and where crystal without contact (`core_HW`); `contact_HW` holds
    probabilities, `threshold` is the one that cut the core.
    """
    if min(core_HW.shape) < 2 or np.array_equal(core_HW, mask_HW):
        return 0  # no contact anywhere
    mended = 0
    for box, markers_HW, others_HW in _necked_bodies(core_HW):
        faint_HW = contact_HW[box] >= FAINT * threshold
        mended += _mend(core_HW[box], mask_HW[box], faint_HW, markers_HW, others_HW)
    return mended


def _necked_bodies(core_HW: Plane) -> Iterator[tuple[tuple[slice, slice], Labels, Plane]]:
    """Boxes of the parts of the core that necks divide, markers (0, and 1… for each body), and the other parts.

    Looked for in an image of half the size, of which a pixel is core where all four of its pixels are.
    """
    height, width = core_HW.shape[0] // 2, core_HW.shape[1] // 2
    even = core_HW[: 2 * height, : 2 * width]
    half_HW = even[::2, ::2] & even[1::2, ::2] & even[::2, 1::2] & even[1::2, 1::2]
    depth_HW = np.asarray(cv2.distanceTransform(half_HW, cv2.DIST_L2, 3), np.float32)
    _, part_HW, stats, _ = cv2.connectedComponentsWithStats(half_HW, connectivity=8, ltype=cv2.CV_32S)
    scales = [
        _Scale(half_width_px / 2, *_bodies(depth_HW, half_width_px / 2)) for half_width_px in HALF_WIDTHS_PX
    ]
    counts = [np.bincount(part_HW.ravel()[scale.where], minlength=len(stats)) for scale in scales]
    large = stats[:, cv2.CC_STAT_AREA] >= _LEAST_OTHER_PX / 4
    large[0] = False
    for part in np.flatnonzero(np.max(counts, axis=0) > 1):
        left, top, wide, tall = (int(value) for value in stats[part, :4])
        box = (slice(top, top + tall), slice(left, left + wide))
        own_HW = part_HW[box] == part
        markers_HW = np.zeros((tall, wide), np.int32)
        for scale, count in zip(reversed(scales), reversed(counts), strict=True):
            # What bodies share is divided at the scale of the neck between them, where all have grown alike.
            if markers_HW.any():
                wide_HW = own_HW & (depth_HW[box] > scale.half_width)
                markers_HW = _grown(markers_HW, wide_HW.view(np.uint8), _STEPS)
            if count[part]:
                _add_markers(markers_HW, np.where(own_HW, scale.bodies_HW[box], 0))
        full = (slice(2 * top, 2 * (top + tall)), slice(2 * left, 2 * (left + wide)))
        others_HW = large[part_HW[box]] & ~own_HW
        yield full, _doubled(markers_HW), _doubled(others_HW.astype(np.uint8))


def _bodies(depth_HW: Float, half_width: float) -> tuple[Labels, npt.NDArray[np.intp]]:
    """Numbered bodies that are left where necks are taken away, and a pixel (flat) of each."""
    _, left_HW = cv2.connectedComponents(
        (depth_HW > half_width).view(np.uint8), connectivity=4, ltype=cv2.CV_32S
    )
    deep = np.flatnonzero(depth_HW >= BODY_PER_NECK * half_width)
    number, first = np.unique(left_HW.ravel()[deep], return_index=True)
    large = np.zeros(int(left_HW.max()) + 1, np.int32)
    large[number] = number
    return np.asarray(large[left_HW], np.int32), deep[first]


def _add_markers(markers_HW: Labels, bodies_HW: Labels) -> None:
    """Make a marker of each body that has none yet, in place: bodies come from the coarsest necks to the finest."""
    bodies = np.flatnonzero(np.bincount(bodies_HW.ravel()))
    marked = np.flatnonzero(np.bincount(bodies_HW[markers_HW > 0]))
    new = np.setdiff1d(bodies, np.append(marked, 0), assume_unique=True)
    marker = np.zeros(int(bodies[-1]) + 1, np.int32)
    marker[new] = np.arange(len(new)) + int(markers_HW.max()) + 1
    np.copyto(markers_HW, marker[bodies_HW], where=marker[bodies_HW] > 0)


def _mend(
    core_HW: Plane, mask_HW: Plane, faint_HW: npt.NDArray[np.bool_], markers_HW: Labels, others_HW: Plane
) -> int:
    """Cut one part's necks between markers in place, where a contact is seen along the way; how many.

    What is seen near the core of another part is the contact with that one, and speaks for no leak.
    """
    owner_HW = _grown(markers_HW, mask_HW & (1 - others_HW), _LAST_STEPS)
    near_others_HW = cv2.dilate(others_HW, np.ones((2 * _BAND_PX + 1,) * 2, np.uint8)) > 0
    seen_HW = cv2.dilate(faint_HW.view(np.uint8), np.ones((2 * _BESIDE_PX + 1,) * 2, np.uint8)) > 0
    pair, at = _borders(owner_HW)
    is_core = core_HW.ravel()[at] > 0
    is_between, is_seen = ~near_others_HW.ravel()[at], seen_HW.ravel()[at]
    first = np.flatnonzero(np.diff(pair, prepend=-1))  # pairs come in order
    mended = 0
    for line in map(slice, first, np.append(first[1:], len(pair))):
        # The ends of what is seen are seen from beside, too.
        seen = int((is_seen[line] & is_between[line]).sum()) - 2 * _BESIDE_PX
        if not is_core[line].any() or seen < SEEN_SHARE * is_between[line].sum() or seen <= 0:
            continue
        mended += 1
        core_HW[np.unravel_index(at[line], core_HW.shape)] = 0
    return mended


def _doubled(image_HW: npt.NDArray[_Kind]) -> npt.NDArray[_Kind]:
    return image_HW.repeat(2, axis=0).repeat(2, axis=1)


def _grown(markers_HW: Labels, mask_HW: Plane, steps: int) -> Labels:
    """Markers grown over the mask at equal speed, by at most so many px."""
    owner_HW = markers_HW.astype(np.float32)
    square, cross = np.ones((3, 3), np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    for step in range(steps):
        wider_HW = cv2.dilate(owner_HW, square if step % 2 else cross)
        reached = (owner_HW == 0) & (mask_HW > 0) & (wider_HW > 0)
        if not reached.any():
            break
        owner_HW[reached] = wider_HW[reached]
    return owner_HW.astype(np.int32)


def _borders(owner_HW: Labels) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pixels (flat) that adjoin an owner of a smaller number, after the pair of owners that each lies between."""
    width, flat = owner_HW.shape[1], owner_HW.ravel()
    found = []
    for one, other, ahead in (
        (owner_HW[:, 1:], owner_HW[:, :-1], 1),
        (owner_HW[1:], owner_HW[:-1], width),
    ):
        row, column = np.nonzero((one != other) & (one > 0) & (other > 0))
        before = row * width + column
        after = before + ahead
        at = np.where(flat[after] > flat[before], after, before)
        found.append(
            flat[before + after - at] * (np.int64(flat.size) * _MOST_BODIES)
            + flat[at] * np.int64(flat.size)
            + at
        )
    key = np.unique(np.concatenate(found))
    return key // flat.size, key % flat.size
