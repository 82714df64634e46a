"""Crops of whole labelled frames, at random magnification and orientation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


@dataclass(frozen=True)
class Zoom:
    """How crops are cut from frames."""

    low: float = 1.0
    """Least magnification."""
    high: float = 1.0
    """Greatest magnification; drawn log-uniformly."""
    rotation_degrees: float = 0.0
    """Greatest turn to either side, degrees; 0: crops lie as their frames do."""


class FrameCrops:
    """Frames held in memory, and square crops of them."""

    def __init__(
        self, frames: Sequence[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]], zoom: Zoom
    ) -> None:
        """Take frames: image uint8 and labels int32 of one shape each."""
        self.frames, self._zoom = list(frames), zoom

    def crop(
        self, rng: np.random.Generator, side_px: int
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
        """A square of a frame, magnified to image and labels (side, side); frames are equally likely."""
        image, labels = self.frames[int(rng.integers(len(self.frames)))]
        zoom = float(np.exp(rng.uniform(np.log(self._zoom.low), np.log(self._zoom.high))))
        if self._zoom.rotation_degrees:
            return _turned(image, labels, side_px, zoom, self._zoom.rotation_degrees, rng)
        height, width = labels.shape
        taken = min(int(side_px / zoom), width, height)
        y, x = int(rng.integers(height - taken + 1)), int(rng.integers(width - taken + 1))
        square = np.s_[y : y + taken, x : x + taken]
        return resized(image[square], labels[square], side_px)


def resized(
    image_HW: npt.NDArray[np.uint8], labels_HW: npt.NDArray[np.int32], side_px: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Image and labels as squares of `side_px`; labels are never mixed."""
    smooth = cv2.INTER_AREA if image_HW.shape[0] > side_px else cv2.INTER_CUBIC
    image = cv2.resize(image_HW, (side_px, side_px), interpolation=smooth)
    # float32 holds every label below 2**24; OpenCV resizes no int32
    exact = cv2.INTER_NEAREST_EXACT
    labels = cv2.resize(labels_HW.astype(np.float32), (side_px, side_px), interpolation=exact)
    return np.asarray(image, np.uint8), labels.astype(np.int32)


def _turned(
    image_HW: npt.NDArray[np.uint8],
    labels_HW: npt.NDArray[np.int32],
    side_px: int,
    zoom: float,
    most_degrees: float,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """A turned square; where it reaches over the frame's edge, image and labels are mirrored there."""
    degrees = rng.uniform(-most_degrees, most_degrees)
    height, width = labels_HW.shape
    half = min(side_px / zoom, width, height) / 2
    centre_x, centre_y = rng.uniform(half, width - half), rng.uniform(half, height - half)
    move = np.asarray(
        cv2.getRotationMatrix2D((centre_x, centre_y), degrees, side_px / (2 * half)), np.float64
    )
    # the centre of the square comes to lie in the middle of the crop, pixel centres at whole numbers
    move[:, 2] += (side_px - 1) / 2 - np.array([centre_x, centre_y])
    reduced = 2 * half > side_px
    source = cv2.GaussianBlur(image_HW, (0, 0), 0.5 * half / side_px) if reduced else image_HW
    size = (side_px, side_px)
    mirrored = cv2.BORDER_REFLECT_101
    image = cv2.warpAffine(source, move, size, flags=cv2.INTER_LINEAR, borderMode=mirrored)
    labels = cv2.warpAffine(
        labels_HW.astype(np.float32), move, size, flags=cv2.INTER_NEAREST, borderMode=mirrored
    )
    return np.asarray(image, np.uint8), labels.astype(np.int32)
