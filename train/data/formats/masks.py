"""Masks in a folder: 0 is background, everything else crystal; bodies that touch are one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from train.data.item import Item
from train.data.pairing import IMAGE_FOLDERS, LABEL_FOLDERS, folder_of, images_in, pair
from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def mask_items(root: Path, images: str | None, annotations: str | None) -> list[Item]:
    """Images of one folder and masks of another, paired by name."""
    image_folder = folder_of(root, images, IMAGE_FOLDERS, "images")
    mask_folder = folder_of(root, annotations, LABEL_FOLDERS, "masks")
    return [
        Item(image.relative_to(root).as_posix(), image, partial(read_mask, mask), instances=False)
        for image, mask in pair(images_in(image_folder), images_in(mask_folder))
    ]


def read_mask(path: Path) -> npt.NDArray[np.int32]:
    """Labels (height, width) of a mask's connected bodies (8-connected); raises `TrainingError`."""
    mask = read_single_channel(path)
    _, labels = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=8)
    return np.asarray(labels, np.int32)


def read_single_channel(path: Path) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Values (height, width) of an image whose values are no grey levels: one channel, or three alike.

    A JPEG is refused: its compression invents values along every edge. Raises `TrainingError`.
    """
    if path.suffix.lower() in (".jpg", ".jpeg"):
        raise TrainingError(f"labels in {path}: JPEG blurs values at edges; save them as PNG or TIFF")
    found: npt.NDArray[np.generic] | None = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype not in (np.uint8, np.uint16):
        raise TrainingError(f"cannot read {path} as an 8- or 16-bit image: is it there, whole, and an image?")
    if found.ndim == 3:
        if found.shape[2] == 4:
            found = found[..., :3]
        if (found != found[..., :1]).any():
            raise TrainingError(
                f"labels in {path} are coloured: which colour is which crystal is not known; save one channel"
            )
        found = found[..., 0]
    if found.dtype == np.uint8:
        return np.ascontiguousarray(found, np.uint8)
    return np.ascontiguousarray(found, np.uint16)
