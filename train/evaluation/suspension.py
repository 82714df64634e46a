"""The suspension against its masks: how a network fares that has seen none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from train.errors import TrainingError
from train.evaluation.pixel_scores import PixelCounts, compare

if TYPE_CHECKING:
    from pathlib import Path

    from train.evaluation.segmenting import Segment

REDUCTION = 0.5
"""The frames are read at half resolution: their crystals then have the sizes of the training's."""


def evaluate_suspension(segment: Segment, data: Path) -> dict[str, Any]:
    """Scores pooled over all frames, and by frame."""
    pooled = PixelCounts()
    frames = {}
    for path in sorted((data / "suspension" / "frames").glob("*.png")):
        mask_path = data / "suspension" / "masks" / path.name.replace("frame", "mask")
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        mask = cv2.imread(str(mask_path), cv2.IMREAD_GRAYSCALE)
        if image is None or mask is None:
            raise TrainingError(f"cannot read {path} or its mask {mask_path.name}: the folder is incomplete")
        image = cv2.resize(image, None, fx=REDUCTION, fy=REDUCTION, interpolation=cv2.INTER_AREA)
        true = cv2.resize(mask, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_NEAREST) > 0
        counts = compare(segment(np.asarray(image, np.uint8)).labels_HW > 0, np.asarray(true, bool))
        frames[path.stem] = round(counts.iou, 4)
        pooled += counts
    return {**pooled.figures(), "frames": frames}
