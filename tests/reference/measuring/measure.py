"""`measure`: the only place where pixels become micrometres."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from engine.threads import two_threads
from monitor.measure.habit import judge_habits
from monitor.records import Observation
from monitor.settings.measuring import MeasuringSettings
from tests.reference.measuring.area import subpixel_area
from tests.reference.measuring.calipers import Calipers, calipers
from tests.reference.measuring.contact import contact_pairs, neighbours
from tests.reference.measuring.contours import follow
from tests.reference.measuring.narrow import Narrow, narrow
from tests.reference.measuring.outline import Outlines, trace
from tests.reference.measuring.regions import Regions, find_regions

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
    threads = two_threads()
    finding = threads.submit(find_regions, labels_HW)
    summing = threads.submit(lambda: _area(narrow_HW, probability_HW, finding.result()))
    contacts = neighbours(contact_pairs(narrow_HW, distance_px))
    adjoining = contacts
    if distance_px < CORNER_PX:
        adjoining = neighbours(contact_pairs(narrow_HW, CORNER_PX))
    regions = finding.result()
    chains = follow(labels_HW, narrow_HW, regions.label, adjoining, threads)
    outlines = trace(narrow_HW, probability_HW, chains, regions.pixels, threads)
    figures = _figures(regions, summing.result(), outlines, calipers(outlines.hulls))
    labels = regions.label.tolist()
    scores = score_by_label or {}
    if not all(label in scores for label in labels):
        scores = dict(zip(labels, regions.mean(probability_HW).tolist(), strict=True)) | dict(scores)
    border = regions.near_border(labels_HW.shape, settings.border_margin_px)
    lengths: list[Iterable[float | None]] = [repeat(None)] * (1 + len(_LENGTHS))
    if um_per_px is not None:
        lengths = [(figures["area_px"] * um_per_px**2).tolist()]
        lengths += [(figures[f"{name}_px"] * um_per_px).tolist() for name in _LENGTHS]
    # In the order of the record's fields: naming 25 of them for each of thousands of crystals takes as long as tracing.
    return tuple(
        map(
            Observation,
            labels,
            *(column.tolist() for column in figures.values()),
            zip(*regions.box_xywh.T.tolist(), strict=True),
            border.tolist(),
            [contacts.get(label, ()) for label in labels],
            [float(scores[label]) for label in labels],
            judge_habits(figures, border, settings),
            *lengths,
        )
    )


def _area(narrow_HW: Narrow, probability_HW: NDArray[np.float32] | None, regions: Regions) -> Float:
    if probability_HW is None:
        return regions.pixels
    return subpixel_area(narrow_HW, probability_HW, regions.label, regions.pixels)


def _figures(regions: Regions, area: Float, outlines: Outlines, caliper: Calipers) -> dict[str, Float]:
    offset = outlines.offset_px(area)
    perimeter = outlines.perimeter_px + 2 * math.pi * outlines.bodies * offset
    hull_area = caliper.area_px + caliper.perimeter_px * offset + math.pi * offset**2
    feret_max = caliper.feret_max_px + 2 * offset
    feret_min = caliper.feret_min_px + 2 * offset
    return {
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
