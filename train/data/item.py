"""One image of a set, with the labels that somebody gave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from engine.preprocess import full_scale_of, to_grey
from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Grey = npt.NDArray[np.uint8]
    Labels = npt.NDArray[np.int32]


class ReadLabels(Protocol):
    """How one image's labels are read: int32 (height, width), 0 = background."""

    def __call__(self) -> Labels:
        """Read them; raises `TrainingError` where they cannot be read."""


@dataclass(frozen=True)
class Item:
    """An image of a set, nothing of it read yet."""

    name: str
    """Path of the image relative to the set's folder, with forward slashes; unique in the set."""
    image_path: Path
    """The image's file."""
    read_labels: ReadLabels | None
    """Its labels; None: it has none."""
    instances: bool
    """Whether crystals that touch have labels of their own."""
    outcome: str | None = None
    """What a person said of the image as a whole (MARCO's classes); no label of pixels."""

    def image(self) -> Grey:
        """Grey levels (height, width) uint8; deeper images are reduced to 8 bits by their camera's full scale."""
        return read_grey(self.image_path)

    def labels(self) -> Labels:
        """Labels (height, width) int32; raises `TrainingError` if there are none, or not of the image's size."""
        if self.read_labels is None:
            raise TrainingError(f"{self.name} has no labels: use it as an unlabelled image, or leave it out")
        return self.read_labels()

    def pair(self) -> tuple[Grey, Labels]:
        """Image and labels of one size; raises `TrainingError` where the sizes differ."""
        image, labels = self.image(), self.labels()
        if image.shape != labels.shape:
            raise TrainingError(
                f"{self.name} is {image.shape[1]}×{image.shape[0]} px, its labels "
                f"{labels.shape[1]}×{labels.shape[0]} px: were they made for another image, or resized?"
            )
        return image, labels


def read_grey(path: Path) -> Grey:
    """Grey levels (height, width) uint8 of an image file; raises `TrainingError` if it is none."""
    found = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR_RGB) if path.is_file() else None
    if found is None or found.dtype not in (np.uint8, np.uint16):
        raise TrainingError(f"cannot read {path} as an 8- or 16-bit image: is it there, whole, and an image?")
    grey = to_grey(found)
    if grey.dtype == np.uint8:
        return np.asarray(grey, np.uint8)
    white = full_scale_of(grey, int(grey.max()))
    return np.asarray(np.rint(grey.astype(np.float32) * (255 / white)), np.uint8)
