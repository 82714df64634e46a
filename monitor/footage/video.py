"""A video file, picture by picture, with its presentation times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from monitor.errors import SourceError
from monitor.frame import Image


@dataclass(frozen=True, slots=True, eq=False)
class VideoPicture:
    """One picture of a video."""

    image: Image
    """As in `Frame`."""
    presented_s: float
    """Presentation time in the file, seconds from its start."""


def read_video(path: Path) -> Iterator[VideoPicture]:
    """The pictures of a video file in order, none left out. Raises SourceError at once where there are
    none."""
    if not path.is_file():
        raise SourceError(f"there is no video file {str(path)!r}: check its name")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        capture.release()
        raise SourceError(f"{str(path)!r} cannot be read as a video: convert it to AVI or MP4")
    return _pictures(capture, path)


def as_image(picture_BGR: np.ndarray) -> Image:
    """OpenCV's picture (H, W, 3) BGR or (H, W) as the house's: RGB or grey, contiguous, read-only."""
    pixels = picture_BGR[:, :, ::-1] if picture_BGR.ndim == 3 else picture_BGR
    pixels = np.ascontiguousarray(pixels)
    pixels.flags.writeable = False
    return cast(Image, pixels)


def _pictures(capture: cv2.VideoCapture, path: Path) -> Iterator[VideoPicture]:
    count = 0
    try:
        while True:
            whole, picture = capture.read()
            if not whole:
                break
            count += 1
            # After read() this is the time of the picture just read, not of the next one.
            yield VideoPicture(as_image(picture), capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0)
    finally:
        capture.release()
    if count == 0:
        raise SourceError(f"the video {str(path)!r} has no pictures: record it again")
