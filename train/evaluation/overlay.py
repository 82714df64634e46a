"""Overlays: what was found, drawn on what was seen, for people to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

_LEAST_SIDE_PX = 900


def draw(image_HW: npt.NDArray[np.uint8], labels_HW: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """Image (height, width, 3) BGR uint8: every crystal tinted in its own colour, its edge drawn full."""
    scale = max(1, round(_LEAST_SIDE_PX / max(image_HW.shape)))
    image = cv2.resize(image_HW, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    labels = np.repeat(np.repeat(labels_HW, scale, 0), scale, 1)
    colours = np.random.default_rng(3).uniform(60, 255, (int(labels.max()) + 1, 3))
    coloured = np.repeat(image[..., None].astype(np.float32), 3, 2)
    edge = np.zeros(labels.shape, bool)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    inside = labels > 0
    coloured[inside] = 0.75 * coloured[inside] + 0.25 * colours[labels[inside]]
    coloured[edge] = colours[np.maximum(labels, np.roll(labels, 1, 1))[edge]]
    return coloured.astype(np.uint8)


def write(path: Path, image_HW: npt.NDArray[np.uint8], labels_HW: npt.NDArray[np.int32]) -> None:
    """Draw to a PNG or JPEG file; raises `TrainingError` if it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), draw(image_HW, labels_HW)):
        raise TrainingError(f"cannot write the overlay {path}: is the folder writable?")
