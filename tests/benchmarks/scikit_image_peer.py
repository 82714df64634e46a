"""What a user of scikit-image would write: watershed on the distance transform, `regionprops_table`, contacts."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.measure import regionprops_table
from skimage.segmentation import expand_labels, watershed

Table = dict[str, NDArray[np.generic]]

OWN_COLUMNS = (
    "label",
    "area",
    "equivalent_diameter_area",
    "feret_diameter_max",
    "axis_major_length",
    "axis_minor_length",
    "orientation",
    "perimeter",
    "solidity",
    "centroid",
    "bbox",
    "intensity_mean",
)
"""What scikit-image has of the columns of growth_history; its axes are those of an ellipse."""


def watershed_of(crystal_HW: NDArray[np.float32]) -> NDArray[np.int32]:
    """Part touching crystals at the necks between them."""
    mask = crystal_HW > 0.5
    distance = ndimage.distance_transform_edt(mask)
    peaks = peak_local_max(distance, min_distance=5, labels=mask.astype(int))
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return np.asarray(watershed(-distance, markers, mask=mask), np.int32)


def own_columns(labels_HW: NDArray[np.int32], crystal_HW: NDArray[np.float32]) -> Table:
    """The columns that scikit-image has built in."""
    return dict(regionprops_table(labels_HW, crystal_HW, properties=OWN_COLUMNS))


def rectangle(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Length, width and orientation of the rectangle of least area, and the smallest Feret diameter."""
    hull = cv2.convexHull(np.argwhere(mask)[:, ::-1].astype(np.float32)).reshape(-1, 2)
    _, (one, other), angle = cv2.minAreaRect(hull)
    edges = np.roll(hull, -1, axis=0) - hull
    sides = np.hypot(*edges.T)
    if not sides.all():
        return np.array([one, other, angle, 0.0])
    across = np.stack([-edges[:, 1], edges[:, 0]]) / sides
    places = hull @ across
    return np.array([max(one, other), min(one, other), angle, np.ptp(places, axis=0).min()])


def all_columns(labels_HW: NDArray[np.int32], crystal_HW: NDArray[np.float32]) -> Table:
    """The columns of growth_history: built in, and where not, as extra properties and from expanded labels."""
    columns = dict(
        regionprops_table(labels_HW, crystal_HW, properties=OWN_COLUMNS, extra_properties=(rectangle,))
    )
    columns["circularity"] = 4 * np.pi * columns["area"] / np.maximum(columns["perimeter"], 1e-9) ** 2
    columns["aspect_ratio"] = columns["rectangle-3"] / columns["feret_diameter_max"]
    height, width = labels_HW.shape
    columns["touches_border"] = (
        (columns["bbox-0"] == 0)
        | (columns["bbox-1"] == 0)
        | (columns["bbox-2"] == height)
        | (columns["bbox-3"] == width)
    )
    grown = expand_labels(labels_HW, 1)
    touching = np.zeros(int(labels_HW.max()) + 1, bool)
    for one, other in ((grown[:, 1:], grown[:, :-1]), (grown[1:], grown[:-1])):
        meet = (one != other) & (one > 0) & (other > 0)
        touching[one[meet]] = touching[other[meet]] = True
    columns["in_contact"] = touching[columns["label"]]
    return columns
