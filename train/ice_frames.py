"""The real ice frames, and the one place that says which part of them may be learned from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from train.errors import TrainingError

if TYPE_CHECKING:
    import numpy.typing as npt

FRAME_NUMBERS = range(2, 34)
"""Numbers of all frames."""
TRAINING_FRAMES = range(2, 24)
"""Numbers of the frames that may be learned from."""
TRAINING_COLUMNS = 585
"""Columns 0 to 584 may be learned from; the split's gap and the held-out right half follow."""
HELD_OUT_COLUMN = 609
"""The held-out part begins here: 24 columns' gap, wider than any crystal's rim, lie between."""
HELD_OUT_FRAMES = range(24, 34)
"""Numbers of the frames whose right part is the held-out test."""
UM_PER_PX = 0.44
"""Calibration of the published frames, µm/px."""

FOLDER = "ice-coarsening"


@dataclass(frozen=True)
class IceFrame:
    """A frame and its labels.

    Attributes:
        number: number of the frame in its series.
        image_HW: uint8.
        labels_HW: int32, 0 = background.
    """

    number: int
    image_HW: npt.NDArray[np.uint8]
    labels_HW: npt.NDArray[np.int32]


def data_folder(given: Path | None) -> Path | None:
    """Folder of the real images: the one given, else CRYSTAL_MONITOR_SHARED_DATA, else ../shared/data.

    None where none of them is there. Raises `TrainingError` if a folder that was named is missing.
    """
    named = given or (Path(text) if (text := os.environ.get("CRYSTAL_MONITOR_SHARED_DATA")) else None)
    if named is not None:
        if not named.is_dir():
            raise TrainingError(f"no folder of real images at {named}: give the folder that holds {FOLDER}/")
        return named
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    return beside if beside.is_dir() else None


def read_frame(folder: Path, number: int) -> IceFrame:
    """One whole frame of the folder of real images; raises `TrainingError` if it cannot be read."""
    image = _read(folder / FOLDER / "frames" / f"frame_{number:02d}.png", cv2.IMREAD_GRAYSCALE)
    labels = _read(folder / FOLDER / "labels" / f"frame_{number:02d}.png", cv2.IMREAD_UNCHANGED)
    if image.shape != labels.shape:
        raise TrainingError(f"ice frame {number}: image {image.shape} and labels {labels.shape} differ")
    return IceFrame(number, image.astype(np.uint8), labels.astype(np.int32))


def training_part(frame: IceFrame) -> IceFrame:
    """The part of a frame that may be learned from; raises `TrainingError` for a frame of the test."""
    if frame.number not in TRAINING_FRAMES:
        raise TrainingError(f"ice frame {frame.number} is for testing: learn from {TRAINING_FRAMES}")
    columns = slice(0, TRAINING_COLUMNS)
    return IceFrame(frame.number, frame.image_HW[:, columns], frame.labels_HW[:, columns])


def held_out_part(frame: IceFrame) -> IceFrame:
    """The part of a frame that nothing is ever learned from."""
    columns = slice(HELD_OUT_COLUMN, None)
    return IceFrame(frame.number, frame.image_HW[:, columns], frame.labels_HW[:, columns])


def _read(path: Path, mode: int) -> npt.NDArray[np.generic]:
    image = cv2.imread(str(path), mode)
    if image is None:
        raise TrainingError(f"cannot read {path}: the folder of real images is incomplete")
    return image
