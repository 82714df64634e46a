"""How much too large or too small crystals come out, by their size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from train.metrics.overlap import areas_px, matches, touches_border, touching_labels
from train.metrics.scores import SizeClass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

SIZE_CLASSES_PX = ((5, 10), (10, 20), (20, 30), (30, 60), (60, None), (10, None), (20, None))
"""Bounds of the area-equivalent diameter of each class, px; None: no upper bound. The last two are sums of classes."""


@dataclass(frozen=True)
class Measured:
    """One true crystal that the border does not cut."""

    diameter_px: float
    """Area-equivalent diameter of its true area, px."""
    area_ratio: float | None
    """Area found over true area; None: it was not found (no body with an IoU above one half)."""
    touching: bool
    """Whether it adjoins another."""


def measure_areas(
    said_HW: npt.NDArray[np.int32],
    true_HW: npt.NDArray[np.int32],
    true_px: Mapping[int, float] | None = None,
    said_px: Mapping[int, float] | None = None,
) -> list[Measured]:
    """Every true crystal inside the frame, against the body that matches it.

    `true_px` and `said_px` are areas by label where they are known better than by counting pixels.
    """
    found = matches(said_HW, true_HW)
    true_areas = areas_px(true_HW) if true_px is None else true_px
    said_areas = areas_px(said_HW) if said_px is None else said_px
    cut, touching = touches_border(true_HW), touching_labels(true_HW)
    result = []
    for label, area in true_areas.items():
        if label in cut or area <= 0:
            continue
        said = said_areas.get(found[label]) if label in found else None
        diameter_px = 2 * float(np.sqrt(area / np.pi))
        result.append(Measured(diameter_px, None if said is None else said / area, label in touching))
    return result


def by_size(
    crystals: Sequence[Measured],
    classes: Sequence[tuple[float, float | None]] = SIZE_CLASSES_PX,
) -> tuple[SizeClass, ...]:
    """One row for each class that has a crystal."""
    rows = []
    for low, high in classes:
        mine = [c for c in crystals if low <= c.diameter_px and (high is None or c.diameter_px < high)]
        errors = [c.area_ratio - 1 for c in mine if c.area_ratio is not None]
        if mine:
            rows.append(
                SizeClass(
                    low_px=low,
                    high_px=high,
                    crystals=len(mine),
                    found=len(errors),
                    recall=len(errors) / len(mine),
                    bias_median=float(np.median(errors)) if errors else None,
                    bias_mean=float(np.mean(errors)) if errors else None,
                )
            )
    return tuple(rows)
