"""`measure`: the only place where pixels become micrometres."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from monitor.measure.area import subpixel_area
from monitor.measure.calipers import Calipers, calipers
from monitor.measure.contact import contact_pairs, neighbours
from monitor.measure.contours import follow
from monitor.measure.habit import judge_habit
from monitor.measure.narrow import Narrow, narrow
from monitor.measure.outline import Outlines, trace
from monitor.measure.regions import Regions, find_regions
from monitor.records import Habit, Observation
from monitor.settings.measuring import MeasuringSettings

Float = NDArray[np.float64]

CORNER_PX = 0.5
"""Crystals whose corners meet are less than this apart."""
_LENGTHS = ("equivalent_diameter", "feret_max", "feret_min", "length", "width", "perimeter")


def measure(
    labels_HW: NDArray[np.int32],
    probability_HW: NDArray[np.float32] | None,
    score_by_label: Mapping[int, float] | None,
    um_per_px: float | None,
    settings: MeasuringSettings,
) -> tuple[Observation, ...]:
    """Measure every crystal of a frame; ordered by label.

    `labels_HW`: int32, shape (H, W), 0 is background, other values below 2²⁴. `probability_HW`: calibrated
    probability of crystal, float32, 0 to 1, same shape; None: areas are whole pixels. `score_by_label`:
    None, or a label that it lacks: the score is the mean probability inside the outline, 1 where that is
    unknown too. `um_per_px`: None leaves all µm figures None.
    """
    if not labels_HW.any():
        return ()
    narrow_HW = narrow(labels_HW)
    distance_px = settings.contact_distance_px
    # OpenCV and numpy let go of the interpreter in their long calls, so that the threads run side by side.
    with ThreadPoolExecutor(2) as threads:
        finding = threads.submit(find_regions, labels_HW)
        contacts = neighbours(contact_pairs(narrow_HW, distance_px))
        adjoining = contacts
        if distance_px < CORNER_PX:
            adjoining = neighbours(contact_pairs(narrow_HW, CORNER_PX))
        regions = finding.result()
        summing = threads.submit(_area, narrow_HW, probability_HW, regions)
        chains = follow(labels_HW, narrow_HW, regions.label, adjoining, threads)
        outlines = trace(labels_HW, probability_HW, chains, regions.pixels)
        rows = _rows(regions, summing.result(), outlines, calipers(outlines.hulls), um_per_px)
    labels = regions.label.tolist()
    scores = score_by_label or {}
    if not all(label in scores for label in labels):
        scores = dict(zip(labels, regions.mean(probability_HW).tolist(), strict=True)) | dict(scores)
    observations = []
    for label, row, box in zip(labels, rows, regions.boxes, strict=True):
        border = _touches_border(box, labels_HW.shape, settings.border_margin_px)
        habit = Habit.UNKNOWN if border else judge_habit(row, settings)
        observations.append(
            Observation(
                label=label,
                bbox_xywh_px=_xywh(box),
                touches_border=border,
                contact_labels=contacts.get(label, ()),
                score=float(scores[label]),
                habit=habit,
                **row,
            )
        )
    return tuple(observations)


def _area(narrow_HW: Narrow, probability_HW: NDArray[np.float32] | None, regions: Regions) -> Float:
    if probability_HW is None:
        return regions.pixels
    return subpixel_area(narrow_HW, probability_HW, regions.label, regions.pixels)


def _rows(
    regions: Regions, area: Float, outlines: Outlines, caliper: Calipers, um_per_px: float | None
) -> list[dict[str, float]]:
    offset = outlines.offset_px(area)
    perimeter = outlines.perimeter_px + 2 * math.pi * outlines.bodies * offset
    hull_area = caliper.area_px + caliper.perimeter_px * offset + math.pi * offset**2
    feret_max = caliper.feret_max_px + 2 * offset
    feret_min = caliper.feret_min_px + 2 * offset
    columns = {
        "area_px": area,
        "equivalent_diameter_px": 2 * np.sqrt(area / math.pi),
        "feret_max_px": feret_max,
        "feret_min_px": feret_min,
        "length_px": caliper.length_px + 2 * offset,
        "width_px": caliper.width_px + 2 * offset,
        "orientation_deg": caliper.orientation_deg,
        "perimeter_px": perimeter,
        "aspect_ratio": np.clip(feret_min / np.maximum(feret_max, 1e-9), 1e-9, 1.0),
        "solidity": np.clip(area / np.maximum(hull_area, 1e-9), 0.0, 1.0),
        "circularity": np.clip(4 * math.pi * area / np.maximum(perimeter, 1e-9) ** 2, 0.0, 1.0),
        "centroid_x_px": regions.centroid_x_px,
        "centroid_y_px": regions.centroid_y_px,
    }
    if um_per_px is not None:
        columns["area_um2"] = area * um_per_px**2
        columns |= {f"{name}_um": columns[f"{name}_px"] * um_per_px for name in _LENGTHS}
    names = tuple(columns)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(names, values, strict=True)) for values in rows]


def _touches_border(box: tuple[slice, slice], shape: tuple[int, ...], margin_px: int) -> bool:
    rows, columns = box
    return bool(
        rows.start < margin_px
        or columns.start < margin_px
        or rows.stop > shape[0] - margin_px
        or columns.stop > shape[1] - margin_px
    )


def _xywh(box: tuple[slice, slice]) -> tuple[int, int, int, int]:
    rows, columns = box
    return columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start
