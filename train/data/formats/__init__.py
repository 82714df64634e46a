"""Readers of sets: each gives the items of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from train.data.formats.coco import coco_items
from train.data.formats.label_files import label_image_items, mask_items
from train.data.formats.labelme import labelme_items
from train.data.formats.marco import marco_items
from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from train.data.item import Item


class ReadItems(Protocol):
    """How a set in one format is read: its items by name. Label contents are read when they are asked for."""

    def __call__(self, root: Path, images: str | None, annotations: str | None) -> list[Item]:
        """Items of the folder `root`; `images` and `annotations` name its parts where they are not the usual ones.

        Raises `TrainingError` for a set that is not whole or not of this format.
        """


FORMATS: dict[str, ReadItems] = {
    "masks": mask_items,
    "label-images": label_image_items,
    "coco": coco_items,
    "labelme": labelme_items,
    "marco": marco_items,
}
"""Every format, by the name that the command line and the manifest use."""


def read_items(
    name: str, root: Path, images: str | None = None, annotations: str | None = None
) -> list[Item]:
    """Items of a folder in the named format; raises `TrainingError`."""
    if name not in FORMATS:
        raise TrainingError(f"no format is named {name!r}: choose from {', '.join(FORMATS)}")
    if not root.is_dir():
        raise TrainingError(f"no folder at {root}: give the folder of the set")
    return FORMATS[name](root, images, annotations)
