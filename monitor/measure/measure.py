"""`measure`: the only place where pixels become micrometres."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from engine.threads import two_threads
from monitor.measure.contact import neighbours
from monitor.measure.habit import judge_habits
from monitor.measure.image import Found, look
from monitor.measure.outline import offset_px
from monitor.records import Observation
from monitor.settings.measuring import MeasuringSettings

Float = NDArray[np.float64]

_LENGTHS = ("equivalent_diameter", "feret_max", "feret_min", "length", "width", "perimeter")


def measure(
    labels_HW: NDArray[np.int32],
    probability_HW: NDArray[np.float32] | None,
    score_by_label: Mapping[int, float] | None,
    um_per_px: float | None,
    settings: MeasuringSettings,
) -> tuple[Observation, ...]:
    """Measure every crystal of a frame; ordered by label.

    `labels_HW`: int32, shape (H, W), 0 is background, other values above it. `probability_HW`: calibrated
    probability of crystal, float32, 0 to 1, same shape; None: areas are whole pixels. `score_by_label`:
    None, or a label that it lacks: the score is the mean probability inside the outline, 1 where that is
    unknown too. `um_per_px`: None leaves all µm figures None.
    """
    scores = score_by_label or {}
    looking = partial(look, labels_HW, probability_HW, settings.contact_distance_px, two_threads())
    found = looking(summed=not scores)
    if found is not None and scores and not scores.keys() >= set(found.label.tolist()):
        found = looking(summed=True)
    if found is None:
        return ()
    regions = found.regions
    contacts = neighbours(found.pairs)
    figures = _figures(found)
    labels = found.label.tolist()
    if not all(label in scores for label in labels):
        means = np.ones(len(labels)) if probability_HW is None else regions["sum"] / regions["pixels"]
        scores = dict(zip(labels, means.tolist(), strict=True)) | dict(scores)
    border = _near_border(found, labels_HW.shape, settings.border_margin_px)
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
            zip(*_boxes(found), strict=True),
            border.tolist(),
            [contacts.get(label, ()) for label in labels],
            [float(scores[label]) for label in labels],
            judge_habits(figures, border, settings),
            *lengths,
        )
    )


def _boxes(found: Found) -> tuple[list[int], ...]:
    """First columns, first rows, widths and heights."""
    left, top, right, bottom = (found.regions[name] for name in ("left", "top", "right", "bottom"))
    return tuple(each.astype(np.int64).tolist() for each in (left, top, right - left, bottom - top))


def _near_border(found: Found, shape: tuple[int, ...], margin_px: int) -> NDArray[np.bool_]:
    """Whether each crystal reaches into the `margin_px` outermost rows or columns of an image (H, W)."""
    regions = found.regions
    return np.asarray(
        (np.minimum(regions["left"], regions["top"]) < margin_px)
        | (regions["right"] > shape[1] - margin_px)
        | (regions["bottom"] > shape[0] - margin_px)
    )


def _figures(found: Found) -> dict[str, Float]:
    outlines, pixels, area = found.outlines, found.regions["pixels"], found.area_px
    offset = offset_px(outlines, area, pixels)
    perimeter = outlines["perimeter_px"] + 2 * math.pi * outlines["bodies"] * offset
    hull_area = outlines["hull_area_px"] + outlines["hull_perimeter_px"] * offset + math.pi * offset**2
    feret_max = outlines["feret_max_px"] + 2 * offset
    feret_min = outlines["feret_min_px"] + 2 * offset
    return {
        "area_px": area,
        "equivalent_diameter_px": 2 * np.sqrt(area / math.pi),
        "feret_max_px": feret_max,
        "feret_min_px": feret_min,
        "length_px": outlines["length_px"] + 2 * offset,
        "width_px": outlines["width_px"] + 2 * offset,
        "orientation_deg": outlines["orientation_deg"],
        "perimeter_px": perimeter,
        "aspect_ratio": np.clip(feret_min / np.maximum(feret_max, 1e-9), 1e-9, 1.0),
        "solidity": np.clip(area / np.maximum(hull_area, 1e-9), 0.0, 1.0),
        "circularity": np.clip(4 * math.pi * area / np.maximum(perimeter, 1e-9) ** 2, 0.0, 1.0),
        "centroid_x_px": found.regions["sum_x"] / pixels,
        "centroid_y_px": found.regions["sum_y"] / pixels,
    }
