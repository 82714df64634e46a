"""Which body that was said is which crystal that is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def areas_px(labels_HW: npt.NDArray[np.int32]) -> dict[int, int]:
    """Area of each label but background, px²."""
    counts = np.bincount(labels_HW.ravel())
    return {label: int(count) for label, count in enumerate(counts) if label and count}


def matches(
    said_HW: npt.NDArray[np.int32], true_HW: npt.NDArray[np.int32], least_iou: float = 0.5
) -> dict[int, int]:
    """Of each true label that is found, the label that was said: those with IoU above `least_iou`.

    Above 0.5 a body can match one crystal only, so no assignment has to be solved.
    """
    said_areas, true_areas = np.bincount(said_HW.ravel()), np.bincount(true_HW.ravel())
    span = len(said_areas)
    pairs, shared = np.unique(true_HW.astype(np.int64) * span + said_HW, return_counts=True)
    true, said = pairs // span, pairs % span
    union = true_areas[true] + said_areas[said] - shared
    good = (true > 0) & (said > 0) & (shared / union > least_iou)
    return {int(t): int(s) for t, s in zip(true[good], said[good], strict=True)}


def touches_border(labels_HW: npt.NDArray[np.int32]) -> set[int]:
    """Labels on the outermost pixels."""
    edge = np.concatenate([labels_HW[0], labels_HW[-1], labels_HW[:, 0], labels_HW[:, -1]])
    return {int(label) for label in np.unique(edge) if label != 0}
