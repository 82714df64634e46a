"""Outlines and run lengths to labels, with pycocotools' own raster, so that an area is the same everywhere.

OpenCV's polygon fill takes every pixel that the outline touches and is half a pixel too large all round; a
crystal of 20 px in diameter would come out 10 % too large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pycocotools import mask as coco_mask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt


def polygons_mask(polygons: Sequence[Sequence[float]], height: int, width: int) -> npt.NDArray[np.bool_]:
    """Union (height, width) of polygons, each x0, y0, x1, y1 … in px; at least three corners each."""
    runs = coco_mask.frPyObjects([list(map(float, polygon)) for polygon in polygons], height, width)
    return np.asarray(coco_mask.decode(coco_mask.merge(runs)), bool)


def run_lengths_mask(segmentation: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """Mask (height, width) of COCO's run lengths, compressed (text) or not (a list of counts)."""
    height, width = segmentation["size"]
    if isinstance(segmentation["counts"], list):
        segmentation = coco_mask.frPyObjects(segmentation, height, width)
    return np.asarray(coco_mask.decode(segmentation), bool)


def paint(masks: Iterable[npt.NDArray[np.bool_]], height: int, width: int) -> npt.NDArray[np.int32]:
    """Labels (height, width): the first mask is 1; where masks overlap the smaller one lies on top."""
    labels = np.zeros((height, width), np.int32)
    numbered = sorted(enumerate(masks, start=1), key=lambda pair: -int(pair[1].sum()))
    for label, mask in numbered:
        labels[mask] = label
    return labels
