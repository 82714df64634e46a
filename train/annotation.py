"""Out to an annotation tool and back: what the weights find, as labelme files that a person corrects."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from train.data.item import read_grey
from train.data.pairing import images_in
from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from train.segmenting import Segment

FINER = 4
"""Outlines are followed on labels enlarged so many times, so that a corner lies within an eighth of a pixel."""


def outline(body_HW: npt.NDArray[np.bool_], tolerance_px: float) -> list[tuple[float, float]]:
    """Corners (x, y) of a connected body's outer edge in px, pixel (0, 0) reaching from 0 to 1; holes are not told.

    Corners that lie within the tolerance of the line between their neighbours are left out.
    """
    rows, columns = np.flatnonzero(body_HW.any(1)), np.flatnonzero(body_HW.any(0))
    top, left = int(rows[0]), int(columns[0])
    part = body_HW[top : rows[-1] + 1, left : columns[-1] + 1].astype(np.uint8)
    large = np.pad(np.repeat(np.repeat(part, FINER, 0), FINER, 1), 1)
    found, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(found, key=len)
    corners = cv2.approxPolyDP(longest, tolerance_px * FINER, closed=True)[:, 0].astype(float)
    # contours run through pixel centres: half a fine pixel inside the edge, which is given back from the middle out
    middle = corners.mean(0)
    outward = np.sign(corners - middle) * 0.5
    return [((x - 0.5) / FINER + left, (y - 0.5) / FINER + top) for x, y in (corners + outward).tolist()]


def labelme_content(
    name: str, labels_HW: npt.NDArray[np.int32], scores: dict[int, float], tolerance_px: float = 0.4
) -> dict[str, Any]:
    """A labelme file's content: one polygon a body, with its score as description."""
    shapes: list[dict[str, Any]] = []
    for label in sorted(scores):
        points = outline(labels_HW == label, tolerance_px)
        if len(points) >= 3:
            shapes.append(
                {
                    "label": "crystal",
                    "points": [[round(x, 2), round(y, 2)] for x, y in points],
                    "group_id": None,
                    "description": f"{scores[label]:.3f}",
                    "shape_type": "polygon",
                    "flags": {},
                }
            )
    height, width = labels_HW.shape
    return {
        "version": "5.0.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def pre_label(images: Path, out: Path, segment: Segment) -> int:
    """Copy the images of a folder to `out` with a labelme file beside each; give the number of bodies.

    A labelme file that is there already is somebody's work: raises `TrainingError` and writes nothing.
    """
    if not images.is_dir():
        raise TrainingError(f"no folder of images at {images}: name it")
    paths = images_in(images)
    if there := [path.stem for path in paths if (out / f"{path.stem}.json").exists()]:
        raise TrainingError(
            f"{out} has annotations of {there[0]} already: give another folder, or move them away"
        )
    out.mkdir(parents=True, exist_ok=True)
    bodies = 0
    for path in paths:
        found = segment(read_grey(path))
        content = labelme_content(path.name, found.labels_HW, found.scores)
        if path.resolve() != (out / path.name).resolve():
            shutil.copyfile(path, out / path.name)
        (out / f"{path.stem}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        bodies += len(content["shapes"])
    return bodies
