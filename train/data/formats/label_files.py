"""Labels as image files, paired with images by name: masks, or label images (8 or 16 bits).

In a mask 0 is background and everything else crystal; bodies that touch are one. In a label image each crystal has
a value of its own.
"""

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
    """Images of one folder and masks of another."""
    return _items(root, images, annotations, instances=False)


def label_image_items(root: Path, images: str | None, annotations: str | None) -> list[Item]:
    """Images of one folder and label images of another."""
    return _items(root, images, annotations, instances=True)


def paired_items(root: Path, images: Path, labels: Path, *, instances: bool) -> list[Item]:
    """Items of two folders; names are relative to `root`, and `instances` says that the labels are label images."""
    read = read_label_image if instances else read_mask
    return [
        Item(image.relative_to(root).as_posix(), image, partial(read, marked), instances)
        for image, marked in pair(images_in(images), images_in(labels))
    ]


def _items(root: Path, images: str | None, annotations: str | None, *, instances: bool) -> list[Item]:
    image_folder = folder_of(root, images, IMAGE_FOLDERS, "images")
    label_folder = folder_of(root, annotations, LABEL_FOLDERS, "labels" if instances else "masks")
    return paired_items(root, image_folder, label_folder, instances=instances)


def read_mask(path: Path) -> npt.NDArray[np.int32]:
    """Labels (height, width) of a mask's connected bodies (8-connected); raises `TrainingError`."""
    mask = read_single_channel(path)
    _, labels = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=8)
    return np.asarray(labels, np.int32)


def read_label_image(path: Path) -> npt.NDArray[np.int32]:
    """Labels (height, width) as they stand in the file; raises `TrainingError`."""
    return read_single_channel(path).astype(np.int32)


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
