"""Crops of the real ice frames, at random magnification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from train.ice_frames import TRAINING_FRAMES, read_frame, training_part

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from train.configuration import MixConfiguration


class IceCrops:
    """The parts of the ice frames that may be learned from, held in memory (about 60 MB)."""

    def __init__(self, folder: Path) -> None:
        """Read them from `folder`, the folder of real images; raises `TrainingError` if one is missing."""
        self._parts = [training_part(read_frame(folder, number)) for number in TRAINING_FRAMES]

    def crop(
        self, rng: np.random.Generator, side_px: int, mix: MixConfiguration
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
        """A square of a frame, magnified to image and labels (side, side)."""
        part = self._parts[int(rng.integers(len(self._parts)))]
        zoom = np.exp(rng.uniform(np.log(mix.ice_zoom_low), np.log(mix.ice_zoom_high)))
        height, width = part.labels_HW.shape
        taken = min(int(side_px / zoom), width, height)
        y, x = int(rng.integers(height - taken + 1)), int(rng.integers(width - taken + 1))
        square = np.s_[y : y + taken, x : x + taken]
        return resized(part.image_HW[square], part.labels_HW[square], side_px)


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
