"""A video file, picture by picture, with its presentation times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from monitor.errors import SourceError
from monitor.footage.listing import IMAGE_SUFFIXES
from monitor.frame import Image

VIDEO_SUFFIXES = frozenset(
    {
        ".3gp",
        ".avi",
        ".flv",
        ".gif",
        ".m2ts",
        ".m4v",
        ".mjpeg",
        ".mjpg",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
    }
    | {".mts", ".mxf", ".ogv", ".ts", ".webm", ".wmv", ".y4m"}
)
"""What is taken for a video, by its ending. The list is closed: FFmpeg plays a text file as a film of its letters, and
an image as a film of one picture or of all images with numbers like its own."""


@dataclass(frozen=True, slots=True, eq=False)
class VideoPicture:
    """One picture of a video."""

    image: Image
    """As in `Frame`."""
    presented_s: float
    """Presentation time in the file, seconds from its start."""


def check_video_file(path: Path) -> None:
    """Raises SourceError where there is no such file, or where its name is not that of a video."""
    if not path.is_file():
        raise SourceError(f"there is no video file {str(path)!r}: check its name")
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return
    if suffix in IMAGE_SUFFIXES:
        raise SourceError(
            f"{str(path)!r} is one image file and no video: name the folder that it is in, or a folder of its own"
        )
    endings = ", ".join(sorted(VIDEO_SUFFIXES))
    raise SourceError(
        f"{str(path)!r} is no video by its name: name a folder of images, or a file that ends in {endings}"
    )


def read_video(path: Path) -> Iterator[VideoPicture]:
    """The pictures of a video file in order, none left out. Raises SourceError at once where there are
    none."""
    check_video_file(path)
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
