"""Careful thresholding of the central crystal of `film-growth`: the reference that a network is held to.

The method, per frame: what is burned in (brighter than 200) is covered with the frame's median; the
frame is smoothed (Gaussian, 2 px); the threshold is half-way between the median grey level of the
crystal and that of the ring 4 to 12 px around it, starting from the crystal's level about the seed and
iterated until the area stands still; the crystal is the seed's connected region, opened with a disc of
15 px (which cuts the bridge to a neighbour that it touches) and with its holes filled. Other crystals
are left out of the ring: only its brightest half counts, as every crystal here is darker than the film.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

SEED_XY = (140, 153)
"""Column and row inside the central crystal in every frame, px."""

_BURNED_IN = 200
_SMOOTHING_PX = 2.0
_OPENING_PX = 15
_ROUNDS = 20


def central_crystal(image_HW: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Mask (height, width) of the central crystal of a frame of `film-growth`."""
    grey = image_HW.astype(np.float32)
    burned_in = cv2.dilate((image_HW > _BURNED_IN).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    grey[burned_in] = np.median(grey)
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), _SMOOTHING_PX), np.float32)
    x, y = SEED_XY
    inside = np.zeros(grey.shape, bool)
    inside[y - 20 : y + 21, x - 20 : x + 21] = True
    threshold = _half_way(grey, inside, float(np.median(grey[~burned_in])))
    area = -1
    for _ in range(_ROUNDS):
        inside = _region((grey < threshold) & ~burned_in)
        if int(inside.sum()) == area:
            break
        area = int(inside.sum())
        threshold = _half_way(grey, inside, _film_level(grey, inside, burned_in))
    return inside


def _half_way(grey: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_], film: float) -> float:
    return float((np.median(grey[inside]) + film) / 2)


def _film_level(
    grey: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_], burned_in: npt.NDArray[np.bool_]
) -> float:
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    ring = grey[(distance > 4) & (distance < 12) & ~burned_in]
    return float(np.median(ring[ring >= np.median(ring)]))


def _region(dark: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_OPENING_PX, _OPENING_PX))
    closed = cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, disc)
    _, regions = cv2.connectedComponents(opened, connectivity=4)
    x, y = SEED_XY
    region = (regions == regions[y, x]) & (opened > 0)
    return filled(region)


def filled(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The mask without holes."""
    framed = np.pad(mask, 1).astype(np.uint8)
    cv2.floodFill(framed, None, (0, 0), 2)
    return np.asarray(framed[1:-1, 1:-1] != 2)
