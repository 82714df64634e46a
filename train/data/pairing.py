"""Which label file belongs to which image, by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from train.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""What is taken for an image."""
IMAGE_FOLDERS = ("images", "frames", "imgs", "img")
"""Names of an images' folder, in the order in which they are looked for."""
LABEL_FOLDERS = ("masks", "labels", "mask", "label")
"""Names of a labels' folder."""
_KIND = re.compile(r"^(?:frame|image|img|mask|labels?)[-_ ]?|[-_ ](?:image|img|mask|labels?|seg|gt)$")


def images_in(folder: Path) -> list[Path]:
    """Image files directly in a folder, by name; raises `TrainingError` if there are none."""
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise TrainingError(f"no image in {folder}: images end with {', '.join(IMAGE_SUFFIXES)}")
    return found


def folder_of(root: Path, given: str | None, usual: tuple[str, ...], what: str) -> Path:
    """Folder of images or labels in a set's folder: the one given, else the first usual one that is there."""
    tried = (given,) if given is not None else usual
    for name in tried:
        if (root / name).is_dir():
            return root / name
    raise TrainingError(f"no folder of {what} in {root}: looked for {', '.join(tried)}; name it")


def pair(images: Iterable[Path], labels: Iterable[Path]) -> list[tuple[Path, Path]]:
    """Each image with its labels, by what their names share.

    `frame_140.png` goes with `mask_140.png`, `a.jpg` with `a.png` and `a_mask.png`. Raises `TrainingError`
    where an image has no labels, labels have no image, or two files claim the same name: a set that is
    half there is never trained on unnoticed.
    """
    by_image, by_label = _keyed(images, "images"), _keyed(labels, "labels")
    if missing := sorted(by_image.keys() - by_label.keys()):
        names = ", ".join(by_image[key].name for key in missing[:5])
        raise TrainingError(
            f"{len(missing)} images have no labels ({names}): add them, or leave the images out"
        )
    if left := sorted(by_label.keys() - by_image.keys()):
        names = ", ".join(by_label[key].name for key in left[:5])
        raise TrainingError(
            f"{len(left)} label files have no image ({names}): add the images, or leave them out"
        )
    return [(by_image[key], by_label[key]) for key in sorted(by_image)]


def _keyed(paths: Iterable[Path], what: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        key = _KIND.sub("", path.stem.lower()) or path.stem.lower()
        if key in found:
            raise TrainingError(
                f"two files are {what} of {key!r}: {found[key].name} and {path.name}; keep one"
            )
        found[key] = path
    return found
