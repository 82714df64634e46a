"""The result of an evaluation: one typed value, its JSON, its rows."""

from __future__ import annotations

from pydantic import Field

from train.configuration import Configuration


class PixelScores(Configuration):
    """The seed paper's six, pooled over all pixels. None where there is nothing to divide by."""

    iou: float | None
    """Intersection over union of the crystal class."""
    f1: float | None
    """Harmonic mean of precision and sensitivity."""
    sensitivity: float | None
    """Share of crystal pixels that were said (recall)."""
    precision: float | None
    """Share of said pixels that are crystal."""
    specificity: float | None
    """Share of background pixels that were left out."""
    accuracy: float | None
    """Share of pixels that are right."""
    area_bias: float | None
    """Area said over true area, less one."""


class InstanceScores(Configuration):
    """Scores of bodies; for truth in which every crystal has its own label."""

    panoptic_quality: float | None
    """PQ = SQ·RQ."""
    segmentation_quality: float | None
    """Mean IoU of the matched pairs."""
    recognition_quality: float | None
    """F1 of the bodies."""
    aggregated_jaccard: float | None
    """AJI."""
    average_precision_50: float | None
    """COCO's AP at an IoU of 0.5."""
    said: int
    """Bodies said."""
    true: int
    """True crystals."""
    matched: int
    """Crystals with a body of IoU above 0.5."""


class BoundaryScores(Configuration):
    """Whether edges lie where they should."""

    f: float | None
    """Harmonic mean of the two below."""
    precision: float | None
    """Share of the said boundary within the tolerance of the true one."""
    recall: float | None
    """Share of the true boundary within the tolerance of the said one."""
    tolerance_px: float
    """The tolerance, px."""


class SpuriousScores(Configuration):
    """Bodies of which less than a tenth is crystal."""

    bodies: int
    """How many."""
    area_share: float | None
    """Their share of the area said."""


class SizeClass(Configuration):
    """True crystals of one class of area-equivalent diameter, those cut by the border left out."""

    low_px: float
    """Least diameter, px."""
    high_px: float | None
    """Diameter below which they lie, px; None: no bound."""
    crystals: int
    """How many."""
    found: int
    """Those with a body of IoU above 0.5."""
    recall: float
    """Share of them."""
    bias_median: float | None
    """Median of area found over true area, less one."""
    bias_mean: float | None
    """Its mean."""

    @property
    def name(self) -> str:
        """`10-20 px` or `from 20 px`."""
        return f"from {self.low_px:g} px" if self.high_px is None else f"{self.low_px:g}-{self.high_px:g} px"


class CalibrationScores(Configuration):
    """Whether a probability of p is right in a share p of the pixels; bins of equal width."""

    expected_calibration_error: float
    """Mean distance of the two below, weighted with the pixels."""
    mean_probability: tuple[float, ...]
    """Of each bin."""
    share_crystal: tuple[float, ...]
    """Share of crystal pixels in each bin."""
    share_of_pixels: tuple[float, ...]
    """Share of all pixels in each bin."""


class Scores(Configuration):
    """Everything that is said of a segmentation against a truth."""

    frames: int = Field(ge=0)
    """Frames that are pooled."""
    pixels: PixelScores
    """Over pixels."""
    instances: InstanceScores | None
    """Over bodies; None: the truth does not tell touching crystals apart."""
    boundary: BoundaryScores
    """Over boundaries."""
    spurious: SpuriousScores
    """What was said where nothing is."""
    sizes: tuple[SizeClass, ...]
    """By size, where the truth tells crystals apart."""
    calibration: CalibrationScores | None
    """Of the probability map; None: there was none."""

    def row(self) -> dict[str, float | None]:
        """The figures of one line of a table, by short name."""
        bodies = self.instances
        return {
            "IoU": self.pixels.iou,
            "F1": self.pixels.f1,
            "sens.": self.pixels.sensitivity,
            "prec.": self.pixels.precision,
            "spec.": self.pixels.specificity,
            "acc.": self.pixels.accuracy,
            "PQ": bodies.panoptic_quality if bodies else None,
            "AJI": bodies.aggregated_jaccard if bodies else None,
            "AP50": bodies.average_precision_50 if bodies else None,
            "bound. F": self.boundary.f,
            "spurious": self.spurious.area_share,
            "ECE": self.calibration.expected_calibration_error if self.calibration else None,
        }
