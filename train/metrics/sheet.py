"""The sheet on which an evaluation keeps count, frame by frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from train.metrics.area_bias import Measured, by_size, measure_areas
from train.metrics.boundary import TOLERANCE_PX, BoundaryCounts, count_boundary
from train.metrics.calibration import CalibrationCurve
from train.metrics.instances import InstanceCounts, SpuriousCounts, count_instances, count_spurious
from train.metrics.pixels import PixelCounts, compare
from train.metrics.scores import BoundaryScores, InstanceScores, PixelScores, Scores, SpuriousScores

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from train.segmenting import Found


@dataclass(frozen=True)
class FrameCounts:
    """What adds up over frames."""

    pixels: PixelCounts = field(default_factory=PixelCounts)
    """Pixels."""
    instances: InstanceCounts = field(default_factory=InstanceCounts)
    """Bodies; all zero where the truth does not tell touching crystals apart."""
    boundary: BoundaryCounts = field(default_factory=BoundaryCounts)
    """Boundary pixels."""
    spurious: SpuriousCounts = field(default_factory=SpuriousCounts)
    """Bodies where nothing is."""

    def __add__(self, other: FrameCounts) -> FrameCounts:
        """Pool two frames."""
        return FrameCounts(
            self.pixels + other.pixels,
            self.instances + other.instances,
            self.boundary + other.boundary,
            self.spurious + other.spurious,
        )


class ScoreSheet:
    """Counts of each frame, and what is scored over all."""

    def __init__(self, instances: bool, tolerance_px: float = TOLERANCE_PX) -> None:
        """Begin a sheet; `instances` says whether the truth tells touching crystals apart."""
        self._with_instances, self._tolerance_px = instances, tolerance_px
        self._curve: CalibrationCurve | None = None
        self.frames: dict[str, FrameCounts] = {}
        """Counts by frame's name."""
        self.crystals: list[Measured] = []
        """Every true crystal inside a frame, where the truth tells them apart."""

    def add(
        self,
        name: str,
        found: Found,
        true_HW: npt.NDArray[np.int32],
        true_px: Mapping[int, float] | None = None,
    ) -> FrameCounts:
        """Count what was found in a frame against its labels; `true_px` are areas known better than by pixels.

        Without instances, touching bodies count as one on both sides of the boundary.
        """
        if name in self.frames:
            raise ValueError(f"frame {name} is on the sheet already")
        said_HW, mask_HW = found.labels_HW, true_HW > 0
        if self._with_instances:
            bodies = count_instances(said_HW, true_HW, found.scores)
            edges = count_boundary(said_HW, true_HW, self._tolerance_px)
            self.crystals += measure_areas(said_HW, true_HW, true_px)
        else:
            bodies = InstanceCounts()
            one_body = (said_HW > 0).astype("int32"), mask_HW.astype("int32")
            edges = count_boundary(*one_body, self._tolerance_px)
        pixels, spurious = compare(said_HW > 0, mask_HW), count_spurious(said_HW, mask_HW)
        counts = FrameCounts(pixels, bodies, edges, spurious)
        self.frames[name] = counts
        if found.probability_HW is not None:
            self._curve = self._curve or CalibrationCurve()
            self._curve.add(found.probability_HW, mask_HW)
        return counts

    def scores(self) -> Scores:
        """Everything over all frames."""
        total = sum(self.frames.values(), FrameCounts())
        pixels, bodies, edges = total.pixels, total.instances, total.boundary
        return Scores(
            frames=len(self.frames),
            pixels=PixelScores(
                **{name: _known(getattr(pixels, name)) for name in PixelScores.model_fields},
            ),
            instances=InstanceScores(
                panoptic_quality=_known(bodies.panoptic_quality),
                segmentation_quality=_known(bodies.segmentation_quality),
                recognition_quality=_known(bodies.recognition_quality),
                aggregated_jaccard=_known(bodies.aggregated_jaccard),
                average_precision_50=_known(bodies.average_precision),
                said=bodies.said,
                true=bodies.true,
                matched=bodies.matched,
            )
            if self._with_instances
            else None,
            boundary=BoundaryScores(
                f=_known(edges.f),
                precision=_known(edges.precision),
                recall=_known(edges.recall),
                tolerance_px=self._tolerance_px,
            ),
            spurious=SpuriousScores(
                bodies=total.spurious.bodies, area_share=_known(total.spurious.area_share)
            ),
            sizes=by_size(self.crystals),
            calibration=self._curve.scores() if self._curve else None,
        )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
