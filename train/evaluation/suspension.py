"""The suspension against its masks: how a network fares that has seen none of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from train.data.manifest import read_manifest
from train.metrics import ScoreSheet

if TYPE_CHECKING:
    import numpy.typing as npt

    from train.data.item import Item
    from train.segmenting import Segment

REDUCTION = 0.5
"""The frames are read at half resolution: their crystals then have the sizes of the training's."""


MANIFEST = Path(__file__).resolve().parent.parent / "sets" / "suspension.json"
"""The set's manifest."""


def reduced(item: Item) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Image and labels of a frame at half resolution."""
    image, labels = item.pair()
    small = cv2.resize(image, None, fx=REDUCTION, fy=REDUCTION, interpolation=cv2.INTER_AREA)
    size = (small.shape[1], small.shape[0])
    near = cv2.resize(labels.astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(small, np.uint8), near.astype(np.int32)


def evaluate_suspension(segment: Segment, data: Path) -> dict[str, Any]:
    """Scores pooled over all frames, and IoU by frame; touching crystals count as one, as the masks have them."""
    sheet = ScoreSheet(instances=False)
    for item in read_manifest(MANIFEST).items(data / "suspension"):
        image, labels = reduced(item)
        sheet.add(item.name, segment(image), labels)
    frames = {name: round(counts.pixels.iou, 4) for name, counts in sheet.frames.items()}
    return {"scores": sheet.scores().model_dump(), "frames": frames}
