"""A key frame and its masks, back from the archive."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from monitor.archive.budget import MASKS_SUFFIX
from monitor.archive.run_lengths import CroppedMask, paint_masks


@dataclass(frozen=True, slots=True, eq=False)
class KeyFrame:
    """As it was kept."""

    image: NDArray[np.uint8] | NDArray[np.uint16]
    """(H, W) grey or (H, W, 3) RGB."""
    labels_HW: NDArray[np.int32] | None
    """The crystals' numbers, 0 = background; None where they were not known."""


def read_key_frame(folder: Path, name: str) -> KeyFrame | None:
    """The frame of that name (`frame_log.archived`) in the archive's folder; None where it is gone or spoiled."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        return None
    image: NDArray[Any] | None = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if image is None:
        return None
    if image.ndim == 3:
        image = np.ascontiguousarray(image[..., ::-1])
    return KeyFrame(image, _read_masks(path.with_suffix(MASKS_SUFFIX)))


def _read_masks(path: Path) -> NDArray[np.int32] | None:
    try:
        plain = json.loads(path.read_bytes())
        masks = [
            CroppedMask(mask["crystal_id"], tuple(mask["bbox_xywh_px"]), tuple(mask["counts"]))
            for mask in plain["crystals"]
        ]
        return paint_masks(masks, plain["height"], plain["width"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
