"""Which files of a folder are images, and in which order."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.errors import SourceError

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff"})

_NUMBER = re.compile(r"([0-9]+)")


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Sorts `f2.png` before `f10.png`; names that differ only in case or leading zeros stay apart."""
    parts = _NUMBER.split(name.casefold())
    # split() alternates text and digits, so that ints only ever meet ints.
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), name


def is_image_name(name: str) -> bool:
    """Whether a file of that name is taken for an image: by its suffix, hidden files left out."""
    return not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES


def list_images(folder: Path) -> list[Path]:
    """The images of a folder in natural order. Raises SourceError where it is no folder that can be read."""
    try:
        names = [entry.name for entry in folder.iterdir() if is_image_name(entry.name) and entry.is_file()]
    except OSError as error:
        raise SourceError(
            f"the folder {str(folder)!r} cannot be read ({error.strerror}): name a folder that exists and "
            f"may be read"
        ) from error
    return [folder / name for name in sorted(names, key=natural_key)]
