"""The film's central crystal against careful thresholding."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from train.errors import TrainingError
from train.evaluation.film_threshold import SEED_XY, central_crystal, filled

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from train.segmenting import Segment

FREE_UNTIL_S = 42.0
"""Until then the crystal touches no neighbour, so that thresholding tells its area."""
_BURNED_IN = 200


def evaluate_film(segment: Segment, data: Path) -> dict[str, Any]:
    """Areas by frame, holes in the crystal, and crystals seen in the burned-in text and bar."""
    frames: list[dict[str, Any]] = []
    folder = data / "film-growth"
    with (folder / "timestamps.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        image = cv2.imread(str(folder / "frames" / row["file"]), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise TrainingError(f"cannot read {row['file']} of film-growth: the folder is incomplete")
        frames.append(_frame(np.asarray(image, np.uint8), float(row["seconds"]), segment))
    free = [frame for frame in frames if frame["elapsed_s"] <= FREE_UNTIL_S]
    steps = np.diff([frame["area_px"] for frame in free])
    return {
        "area_error_worst": max(abs(frame["area_error"]) for frame in free),
        "monotone": bool((steps > 0).all()),
        "holes_px_worst": max(frame["holes_px"] for frame in frames),
        "burned_in_bodies": sum(frame["burned_in_bodies"] for frame in frames),
        "frames": frames,
    }


def _frame(image_HW: npt.NDArray[np.uint8], elapsed_s: float, segment: Segment) -> dict[str, Any]:
    labels = segment(image_HW).labels_HW
    x, y = SEED_XY
    crystal = (labels == labels[y, x]) & (labels[y, x] > 0)
    area, reference = int(crystal.sum()), int(central_crystal(image_HW).sum())
    bright = image_HW > _BURNED_IN
    areas, covered = np.bincount(labels.ravel()), np.bincount(labels[bright], minlength=labels.max() + 1)
    burned_in = int((covered[1:] > 0.3 * areas[1:]).sum())
    return {
        "elapsed_s": elapsed_s,
        "area_px": area,
        "threshold_px": reference,
        "area_error": round(area / reference - 1, 4),
        "holes_px": int(filled(crystal).sum()) - area,
        "bodies": len(np.unique(labels)) - 1,
        "burned_in_bodies": burned_in,
    }
