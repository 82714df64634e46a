"""Scores of bodies: panoptic quality, aggregated Jaccard index, average precision at an IoU of one half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from train.metrics.overlap import overlap
from train.metrics.pixels import ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from train.metrics.overlap import Overlap

SPURIOUS_SHARE = 0.1
"""A body of which less than this share is crystal is spurious."""
_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class InstanceCounts:
    """Sums over bodies; those of frames add up."""

    said: int = 0
    """Bodies said."""
    true: int = 0
    """True crystals."""
    matched: int = 0
    """Pairs with an IoU above one half; none competes for a body there."""
    iou_sum: float = 0.0
    """Sum of the matched pairs' IoU."""
    aji_shared: int = 0
    """Intersections of each crystal with the body that fits it best, px."""
    aji_union: int = 0
    """Unions of the same, and the areas of crystals without a body and of bodies that fit none, px."""
    detections: tuple[tuple[float, bool], ...] = ()
    """Score of each body said, and whether it is a hit."""

    def __add__(self, other: InstanceCounts) -> InstanceCounts:
        """Pool the bodies of two frames."""
        return InstanceCounts(
            self.said + other.said,
            self.true + other.true,
            self.matched + other.matched,
            self.iou_sum + other.iou_sum,
            self.aji_shared + other.aji_shared,
            self.aji_union + other.aji_union,
            self.detections + other.detections,
        )

    @property
    def panoptic_quality(self) -> float:
        """Sum of IoU over matches, over matches and half of what is left over on either side."""
        return ratio(self.iou_sum, (self.said + self.true) / 2)

    @property
    def segmentation_quality(self) -> float:
        """Mean IoU of the matches."""
        return ratio(self.iou_sum, self.matched)

    @property
    def recognition_quality(self) -> float:
        """F1 of the bodies."""
        return ratio(2 * self.matched, self.said + self.true)

    @property
    def aggregated_jaccard(self) -> float:
        """Aggregated Jaccard index of Kumar and others (2017)."""
        return ratio(self.aji_shared, self.aji_union)

    @property
    def average_precision(self) -> float:
        """COCO's AP at an IoU of 0.5 (101 recalls), every body counted, however many."""
        if not self.true:
            return float("nan")
        order = sorted(self.detections, key=lambda pair: -pair[0])
        hits = np.cumsum([hit for _, hit in order])
        precision = hits / np.arange(1, len(order) + 1)
        # precision at a recall is the best at that recall or beyond
        best = np.maximum.accumulate(precision[::-1])[::-1] if order else precision
        at = np.searchsorted(hits / self.true, _RECALLS, side="left")
        return float(np.where(at < len(order), np.append(best, 0)[np.minimum(at, len(order))], 0).mean())


@dataclass(frozen=True)
class SpuriousCounts:
    """Bodies of which less than a tenth is crystal; those of frames add up."""

    bodies: int = 0
    """How many."""
    area_px: int = 0
    """Their area, px²."""
    said_area_px: int = 0
    """Area of all bodies said, px²."""

    def __add__(self, other: SpuriousCounts) -> SpuriousCounts:
        """Pool two frames."""
        return SpuriousCounts(
            self.bodies + other.bodies, self.area_px + other.area_px, self.said_area_px + other.said_area_px
        )

    @property
    def area_share(self) -> float:
        """Their share of the area said; nan where nothing was said."""
        return ratio(self.area_px, self.said_area_px)


def count_instances(
    said_HW: npt.NDArray[np.int32], true_HW: npt.NDArray[np.int32], scores: Mapping[int, float]
) -> InstanceCounts:
    """Count two label images (int32, 0 = background) against each other; `scores` by said label."""
    table = overlap(said_HW, true_HW)
    iou = table.iou
    good = iou > 0.5
    shared, union = _aggregated(table)
    return InstanceCounts(
        said=len(table.said_labels),
        true=len(table.true_labels),
        matched=int(good.sum()),
        iou_sum=float(iou[good].sum()),
        aji_shared=shared,
        aji_union=union,
        detections=_detections(table, scores),
    )


def count_spurious(said_HW: npt.NDArray[np.int32], true_HW: npt.NDArray[np.bool_]) -> SpuriousCounts:
    """Count the bodies of a label image that overlap the true mask by less than a tenth of their area."""
    areas = np.bincount(said_HW.ravel())
    right = np.bincount(said_HW[true_HW], minlength=len(areas))
    areas[0] = 0
    spurious = (areas > 0) & (right < SPURIOUS_SHARE * areas)
    return SpuriousCounts(int(spurious.sum()), int(areas[spurious].sum()), int(areas.sum()))


def _aggregated(table: Overlap) -> tuple[int, int]:
    shared, union, used = 0, 0, np.zeros(len(table.said_areas), bool)
    best: dict[int, int] = {}
    for pair in np.argsort(table.iou, kind="stable"):
        best[int(table.true[pair])] = int(pair)  # the last one written fits best
    for label in table.true_labels:
        pair_index = best.get(int(label))
        if pair_index is None:
            union += int(table.true_areas[label])
            continue
        said = table.said[pair_index]
        used[said] = True
        shared += int(table.shared[pair_index])
        union += int(table.true_areas[label] + table.said_areas[said] - table.shared[pair_index])
    alone = ~used[table.said_labels]
    return shared, union + int(table.said_areas[table.said_labels][alone].sum())


def _detections(table: Overlap, scores: Mapping[int, float]) -> tuple[tuple[float, bool], ...]:
    # an IoU of exactly one half counts here, as it does in COCO; then two bodies may fit one crystal
    fits = table.iou >= 0.5
    crystal_of = dict(zip(table.said[fits].tolist(), table.true[fits].tolist(), strict=True))
    taken: set[int] = set()
    found = []
    for label in sorted(table.said_labels.tolist(), key=lambda said: -scores[said]):
        crystal = crystal_of.get(label)
        found.append((float(scores[label]), crystal is not None and crystal not in taken))
        if crystal is not None:
            taken.add(crystal)
    return tuple(found)
