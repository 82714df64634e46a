"""Label images: each crystal has a value of its own, 0 is background (8 or 16 bits)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from train.data.formats.masks import read_single_channel
from train.data.item import Item
from train.data.pairing import IMAGE_FOLDERS, LABEL_FOLDERS, folder_of, images_in, pair

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def label_image_items(root: Path, images: str | None, annotations: str | None) -> list[Item]:
    """Images of one folder and label images of another, paired by name."""
    image_folder = folder_of(root, images, IMAGE_FOLDERS, "images")
    label_folder = folder_of(root, annotations, LABEL_FOLDERS, "labels")
    return [
        Item(image.relative_to(root).as_posix(), image, partial(read_label_image, labels), instances=True)
        for image, labels in pair(images_in(image_folder), images_in(label_folder))
    ]


def read_label_image(path: Path) -> npt.NDArray[np.int32]:
    """Labels (height, width) as they stand in the file; raises `TrainingError`."""
    return read_single_channel(path).astype(np.int32)
