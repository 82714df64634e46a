"""Calls of the kernels that measure regions of a label image; shapes and types are checked here.

`labels_HW` is int32 (H, W), contiguous (see `arrays`), 0 is background; `probability_HW` float32 of the same shape.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.kernels.arrays import KernelInputError, address, check_half_widths, check_rows
from engine.kernels.library import BAD_LABEL, MANY_PAIRS, kernels
from engine.kernels.workspace import scratch, with_room

Labels = NDArray[np.int32]
Single = NDArray[np.float32]
Float = NDArray[np.float64]

REGION = np.dtype(
    [(name, np.float64) for name in ("pixels", "sum_x", "sum_y", "left", "top", "right", "bottom", "sum")]
)
"""Sums over one label: pixels, their columns, rows and probability; first and last (exclusive) column and row."""

OUTLINE = np.dtype(
    [
        (name, np.float64)
        for name in (
            "filled_px",
            "area_px",
            "perimeter_px",
            "bodies",
            "feret_max_px",
            "feret_min_px",
            "length_px",
            "width_px",
            "orientation_deg",
            "hull_area_px",
            "hull_perimeter_px",
        )
    ]
)
"""What the outline of one label encloses (whole pixels with holes, px² of the polygon), its length, its bodies.
Of its convex hull: the largest distance between two corners; the smallest between two parallel lines that hold it; the
sides of the rectangle of least area, and the angle of the long one against the x axis, anticlockwise as seen, in
[0, 180); its area and length."""

FIRST_PLACES = 1 << 14
"""For pairs of labels, of which at most half are taken."""


class Refining(ctypes.Structure):
    """How outlines are moved onto the edge; lengths in px."""

    _fields_ = (
        ("least_move", ctypes.c_double),
        ("most_move", ctypes.c_double),
        ("shortest", ctypes.c_int64),
        ("hull_tolerance", ctypes.c_double),
    )


class _Survey(ctypes.Structure):
    _fields_ = (
        ("labels", ctypes.c_int64),
        ("bodies", ctypes.c_int64),
        ("regions", ctypes.POINTER(ctypes.c_double)),
        ("first_pixels", ctypes.POINTER(ctypes.c_int32)),
        ("body_ends", ctypes.POINTER(ctypes.c_int32)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What a label image with labels up to N holds; the first of each is for the background and says nothing."""

    regions: NDArray[np.void]
    """Sums over each label, REGION, shape (N + 1,); 0 where there is none."""
    first_pixels: Labels
    """Flat position of the topmost, then leftmost pixel of each body (8-connected), by label."""
    body_ends: Labels
    """How many bodies the labels up to each have, shape (N + 1,)."""


def survey_regions(labels_HW: Labels, probability_HW: Single | None) -> Survey | None:
    """Survey an image in one pass; without `probability_HW` it is not summed.

    None where labels are far larger than their number, and want to be numbered anew first. Raise KernelInputError for
    a negative label.
    """
    found = _Survey()
    arguments = (*_images(labels_HW, probability_HW), ctypes.byref(found))
    largest = with_room(
        lambda room, size: int(kernels().survey_regions(*arguments, room, size)), labels_HW.size, 8
    )
    if largest == BAD_LABEL:
        if int(labels_HW.min()) < 0:
            raise KernelInputError(f"labels_HW has the label {int(labels_HW.min())}; none may be negative")
        return None
    regions = np.ctypeslib.as_array(found.regions, (largest + 1, REGION.itemsize // 8))
    return Survey(
        regions=regions.copy().view(REGION)[:, 0],
        first_pixels=np.ctypeslib.as_array(found.first_pixels, (found.bodies,)).copy(),
        body_ends=np.ctypeslib.as_array(found.body_ends, (largest + 1,)).copy(),
    )


def look_around(
    labels_HW: Labels,
    probability_HW: Single | None,
    largest: int,
    rows: range,
    half_widths: NDArray[np.int64],
) -> tuple[Float, NDArray[np.int64]]:
    """Look around the pixels of some rows; `largest` is the largest label.

    The area beyond whole pixels that each label gains at its rim, px², shape (largest + 1,), 0 without probabilities.
    And the pairs of labels with pixels in a disc, of which `half_widths` are those of its rows from the middle down:
    each as one number, the smaller label in its upper half; ascending, each once.
    """
    images = _images(labels_HW, probability_HW)
    check_rows(rows, labels_HW.shape[0])
    check_half_widths(half_widths)
    # A pixel's own row, and the one above and below, in which labels that gain area are found.
    seen_HW = labels_HW[max(rows.start - 1, 0) : rows.stop + 1]
    if len(rows) and seen_HW.size and seen_HW.view(np.uint32).max() > largest:
        raise KernelInputError(f"labels_HW has labels that are negative or above {largest}")
    reach = len(half_widths) - 1
    gained = np.empty(largest + 1)
    places = FIRST_PLACES

    def look(room: int, size: int) -> int:
        gained[:] = 0
        keys = scratch("pairs", (places,), np.int64)
        keys[:] = 0
        return int(
            kernels().look_around(
                *images,
                rows.start,
                rows.stop,
                address(half_widths, np.int64, (reach + 1,)),
                reach,
                address(gained, np.float64, (largest + 1,)),
                address(keys, np.int64, (places,)),
                places,
                room,
                size,
            )
        )

    while with_room(look, 8 * labels_HW.shape[1], 1) == MANY_PAIRS:
        places *= 4
    keys = scratch("pairs", (places,), np.int64)
    return gained, np.sort(keys[keys != 0])


def measure_outlines(
    labels_HW: Labels,
    probability_HW: Single,
    survey: Survey,
    labels: range,
    refining: Refining,
    outlines: NDArray[np.void],
) -> None:
    """Trace, refine and measure the outlines of some labels, into their places in `outlines`, OUTLINE, (N + 1,).

    `survey` is that of these labels.
    """
    count = len(survey.body_ends)
    check_rows(labels, count)
    arguments = (
        *_images(labels_HW, probability_HW),
        ctypes.byref(refining),
        address(survey.first_pixels, np.int32, survey.first_pixels.shape),
        address(survey.body_ends, np.int32, (count,)),
        labels.start,
        labels.stop,
        address(outlines, OUTLINE, (count,)),
    )
    with_room(lambda room, size: int(kernels().measure_outlines(*arguments, room, size)), 1 << 16, 64)


def _images(labels_HW: Labels, probability_HW: Single | None) -> tuple[int, int | None, int, int]:
    shape = labels_HW.shape
    probability = None if probability_HW is None else address(probability_HW, np.float32, shape)
    return address(labels_HW, np.int32, shape), probability, *shape
