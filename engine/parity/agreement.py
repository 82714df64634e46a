"""What a candidate's probabilities do to the figures of the product: mask, areas, bodies found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engine.parity_limits import ParityLimits
from engine.postprocess import postprocess
from engine.thresholds import Thresholds

SMALLEST_DIAMETER_PX = 20.0
"""Crystals from this area-equivalent diameter on are compared one by one."""
RIM_PX = 2
"""Where an edge may lie: this far inside and outside the reference's outline, px."""
SAME_BODY_IOU = 0.8
"""Two bodies of which this share of their union is common are one and the same."""

Probability = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class ParityFigures:
    """How a candidate compares with the reference, over all frames."""

    mask_iou: float
    """Intersection over union of the crystal masks, 0…1."""
    area_bias: float
    """Total crystal area over that of the reference, less 1."""
    area_difference_p99: float
    """99th percentile of |area / reference area - 1| over the crystals of d >= 20 px."""
    bodies_found: float
    """Share of those crystals that the candidate finds as one body, 0…1."""
    crystals: int
    """How many of them there are."""

    def failures(self, limits: ParityLimits) -> tuple[str, ...]:
        """Which limits do not hold, each with its figure; a figure that is not a number does not."""
        checks = (
            ("mask IoU", self.mask_iou, limits.mask_iou, self.mask_iou >= limits.mask_iou),
            ("area bias", self.area_bias, limits.area_bias, abs(self.area_bias) <= limits.area_bias),
            (
                "99th percentile of the area differences",
                self.area_difference_p99,
                limits.area_difference_p99,
                self.area_difference_p99 <= limits.area_difference_p99,
            ),
            (
                "bodies found",
                self.bodies_found,
                limits.bodies_found,
                self.bodies_found >= limits.bodies_found,
            ),
        )
        return tuple(
            f"{name} {value:.4g} (limit {limit:g})" for name, value, limit, holds in checks if not holds
        )

    def to_json(self) -> dict[str, float]:
        """Give the figures by name."""
        return asdict(self)

    def __str__(self) -> str:
        """In one line, for a log."""
        return (
            f"mask IoU {self.mask_iou:.5f}, area bias {self.area_bias:+.5f}, area differences p99 "
            f"{self.area_difference_p99:.5f}, bodies found {self.bodies_found:.4f} of {self.crystals}"
        )


def soft_areas(labels_HW: Labels, crystal_HW: Probability, threshold: float) -> npt.NDArray[np.float64]:
    """Sub-pixel areas, px², of the labels 1…n, from probabilities (H, W) that need not be those of the labels.

    Within `RIM_PX` of the crystals' outline pixels count their probability, the nearest label's; deeper inside
    they count whole where they are crystal at all. So an edge that moves by a part of a pixel moves the area by
    just that, as in the areas that are reported.
    """
    mask_HW = (labels_HW > 0).view(np.uint8)
    side = 2 * RIM_PX + 1
    core_HW = np.asarray(cv2.erode(mask_HW, np.ones((side, side), np.uint8))) > 0
    distance_HW, nearest_HW = cv2.distanceTransformWithLabels(
        1 - mask_HW, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of = np.zeros(int(nearest_HW.max()) + 1, np.int32)
    inside = mask_HW > 0
    label_of[nearest_HW[inside]] = labels_HW[inside]
    zones_HW = np.where(distance_HW <= RIM_PX, label_of[nearest_HW], 0)
    parts_HW = np.where(core_HW & (crystal_HW >= threshold), np.float32(1), crystal_HW)
    areas = np.bincount(zones_HW.ravel(), parts_HW.ravel(), minlength=int(labels_HW.max()) + 1)
    return np.asarray(areas[1:], np.float64)


def found_again(labels_HW: Labels, others_HW: Labels) -> npt.NDArray[np.bool_]:
    """For each of the labels 1…n of `labels_HW`, whether `others_HW` has the same body."""
    count, others = int(labels_HW.max()) + 1, int(others_HW.max()) + 1
    pairs = np.bincount(
        labels_HW.ravel().astype(np.int64) * others + others_HW.ravel(), minlength=count * others
    )
    common = pairs.reshape(count, others)
    union = common.sum(1, keepdims=True) + common.sum(0, keepdims=True) - common
    return np.asarray((common[1:, 1:] >= SAME_BODY_IOU * union[1:, 1:]).any(axis=1))


def compare(
    pairs: Iterable[tuple[Probability, Probability]], outputs: tuple[str, ...], thresholds: Thresholds
) -> ParityFigures:
    """Compare candidates with references: pairs (reference, candidate) of probabilities (C, H, W).

    `outputs` says what the channels are, `thresholds` make bodies of them. A candidate that has values which
    are no numbers between 0 and 1 agrees in nothing. Without crystals in the references nothing is shown: the
    figures are not numbers, and no limit holds.
    """
    common = union = 0
    reference_total = candidate_total = 0.0
    differences: list[npt.NDArray[np.float64]] = []
    found: list[npt.NDArray[np.bool_]] = []
    crystal, contact = outputs.index("crystal"), outputs.index("contact")
    for reference_CHW, candidate_CHW in pairs:
        if not ((candidate_CHW >= 0) & (candidate_CHW <= 1)).all():  # false for NaN, too
            return ParityFigures(0.0, float("nan"), float("nan"), 0.0, 0)
        expected_HW = reference_CHW[crystal] >= thresholds.crystal
        mask_HW = candidate_CHW[crystal] >= thresholds.crystal
        common += int((expected_HW & mask_HW).sum())
        union += int((expected_HW | mask_HW).sum())
        labels_HW = postprocess(reference_CHW[crystal], reference_CHW[contact], thresholds).labels_HW
        if not labels_HW.any():
            continue
        expected = soft_areas(labels_HW, reference_CHW[crystal], thresholds.crystal)
        areas = soft_areas(labels_HW, candidate_CHW[crystal], thresholds.crystal)
        reference_total += float(expected.sum())
        candidate_total += float(areas.sum())
        large = expected >= np.pi * SMALLEST_DIAMETER_PX**2 / 4
        differences.append(np.abs(areas[large] / expected[large] - 1))
        others_HW = postprocess(candidate_CHW[crystal], candidate_CHW[contact], thresholds).labels_HW
        found.append(found_again(labels_HW, others_HW)[large])
    each = np.concatenate(differences) if differences else np.empty(0)
    if not len(each):
        return ParityFigures(float("nan"), float("nan"), float("nan"), float("nan"), 0)
    return ParityFigures(
        mask_iou=common / union,
        area_bias=candidate_total / reference_total - 1,
        area_difference_p99=float(np.percentile(each, 99)),
        bodies_found=float(np.concatenate(found).mean()),
        crystals=len(each),
    )
