"""MARCO's layout: images in folders named by what a person said of the drop. They have no labels of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train.data.item import Item
from train.data.pairing import IMAGE_SUFFIXES
from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

OUTCOMES = ("clear", "crystals", "other", "precipitate")
"""MARCO's four classes."""


def marco_items(root: Path, images: str | None, annotations: str | None) -> list[Item]:
    """Images in folders named after MARCO's classes, whatever lies above them (`train-jpg/Crystals/a.jpeg`).

    Raises `TrainingError` where annotations are asked for or no such folder is there.
    """
    if annotations is not None:
        raise TrainingError(
            f"MARCO's layout has no annotations of pixels, {annotations!r} was given: leave it out"
        )
    folder = root / (images or "")
    found = [
        Item(path.relative_to(root).as_posix(), path, None, instances=False, outcome=path.parent.name.lower())
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES and path.parent.name.lower() in OUTCOMES
    ]
    if not found:
        raise TrainingError(
            f"no image in a folder named {', '.join(OUTCOMES)} under {folder}: is it MARCO's layout?"
        )
    return found
