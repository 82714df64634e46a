"""Thresholding at its best: every usual method with its settings, chosen on the training part alone."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from pydantic import Field
from skimage import filters

from train.configuration import Configuration
from train.errors import TrainingError
from train.metrics.overlap import areas_px
from train.metrics.pixels import PixelCounts, compare
from train.segmenting import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    Grey = npt.NDArray[np.uint8]
    Real = npt.NDArray[np.float32]
    Mask = npt.NDArray[np.bool_]
    Labels = npt.NDArray[np.int32]

Method = Literal[
    "otsu", "li", "yen", "triangle", "isodata", "minimum", "local-mean", "local-gaussian", "sauvola"
]
_GLOBAL: dict[str, Callable[[Real], float]] = {
    "otsu": filters.threshold_otsu,
    "li": filters.threshold_li,
    "yen": filters.threshold_yen,
    "triangle": filters.threshold_triangle,
    "isodata": filters.threshold_isodata,
    "minimum": filters.threshold_minimum,
}


class ThresholdRule(Configuration):
    """A method with all its settings."""

    method: Method = "otsu"
    """How the threshold is found (skimage's names)."""
    darker: bool = True
    """Whether crystals are darker than what is around them."""
    smoothing_px: float = Field(default=0.0, ge=0)
    """Standard deviation of a Gaussian before everything else, px; 0: none."""
    background_px: float = Field(default=0.0, ge=0)
    """Standard deviation of the Gaussian that is taken for the background and subtracted, px; 0: none is."""
    window_px: int = Field(default=101, ge=3)
    """Side of the window of a local method, px (odd)."""
    offset_levels: float = 0.0
    """Of a local mean: how far beyond it a pixel must lie, 8-bit grey levels."""
    sauvola_k: float = 0.2
    """Sauvola's k."""
    filled: bool = True
    """Whether holes are filled: a crystal's rim is dark, its inside often is not."""
    opening_px: int = Field(default=0, ge=0)
    """Diameter of the disc that the mask is opened with, px; 0: it is not."""
    least_area_px: int = Field(default=16, ge=1)
    """Smallest body that is kept, px²."""

    def mask(self, image_HW: Grey) -> Mask:
        """Crystal mask of an image, before bodies are looked at; nothing where the method finds no threshold."""
        grey = image_HW.astype(np.float32)
        if self.smoothing_px:
            grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), self.smoothing_px), np.float32)
        if self.background_px:
            grey = np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), self.background_px), np.float32)
        signed = -grey if self.darker else grey
        if np.ptp(signed) == 0:
            return np.zeros(image_HW.shape, bool)
        try:
            return np.asarray(signed > self._threshold(signed), bool)
        except RuntimeError:  # skimage's answer where a histogram has no two maxima
            return np.zeros(image_HW.shape, bool)

    def _threshold(self, signed: Real) -> npt.NDArray[np.floating] | float:
        if self.method in _GLOBAL:
            return float(_GLOBAL[self.method](signed))
        if self.method == "sauvola":
            # Sauvola's rule takes a share of the level, so levels must be positive: brightness of what is sought
            lifted = signed - signed.min()
            window_px, k = self.window_px, -self.sauvola_k
            found = filters.threshold_sauvola(lifted, window_px, k)  # type: ignore[no-untyped-call]  # skimage's
            return np.asarray(found + signed.min(), np.float32)
        kind = "mean" if self.method == "local-mean" else "gaussian"
        window_px = self.window_px
        local = filters.threshold_local(signed, window_px, kind)  # type: ignore[no-untyped-call]  # skimage's
        return np.asarray(local + self.offset_levels, np.float32)

    def bodies(self, mask_HW: Mask) -> Labels:
        """Bodies of a mask, filled, opened, small ones dropped: labels int32."""
        mask = mask_HW.astype(np.uint8)
        if self.opening_px:
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (self.opening_px, self.opening_px))
            mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc), np.uint8)
        if self.filled:
            framed = np.pad(mask, 1)
            cv2.floodFill(framed, None, (0, 0), 2)
            mask = (framed[1:-1, 1:-1] != 2).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        kept = stats[:, cv2.CC_STAT_AREA] >= self.least_area_px
        kept[0] = False
        number = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
        return np.asarray(number[labels], np.int32)

    def segment(self, image_HW: Grey) -> Found:
        """Find the crystals of an image; every body is as sure as every other."""
        labels = self.bodies(self.mask(image_HW))
        return Found(labels, dict.fromkeys(areas_px(labels), 1.0), None)


def first_rules() -> list[ThresholdRule]:
    """Every method, with what is done to the image before."""
    rules = []
    for darker, smoothing_px, background_px in product((True, False), (0.0, 1.0, 2.0), (0.0, 40.0)):
        before = {"darker": darker, "smoothing_px": smoothing_px, "background_px": background_px}
        rules += [ThresholdRule.model_validate({"method": name, **before}) for name in _GLOBAL]
        if background_px:
            continue  # a local method needs no background subtracted
        for window_px in (31, 75, 151):
            local = {"window_px": window_px, **before}
            for method, offset_levels in product(("local-mean", "local-gaussian"), (4.0, 8.0, 16.0)):
                rules.append(
                    ThresholdRule.model_validate({"method": method, "offset_levels": offset_levels, **local})
                )
            rules += [
                ThresholdRule.model_validate({"method": "sauvola", "sauvola_k": k, **local})
                for k in (0.1, 0.2, 0.4)
            ]
    return rules


def refinements(rule: ThresholdRule) -> list[ThresholdRule]:
    """A rule with everything that can be done to its mask."""
    return [
        rule.model_copy(update={"filled": filled, "opening_px": opening_px, "least_area_px": least_area_px})
        for filled, opening_px, least_area_px in product((True, False), (0, 3, 5, 9), (16, 50, 150, 400))
    ]


def choose(
    frames: Sequence[tuple[Grey, Labels]], rules: Iterable[ThresholdRule] | None = None, finalists: int = 5
) -> tuple[ThresholdRule, float]:
    """The rule with the best pooled IoU on frames that may be learned from, and that IoU.

    First every method, then every refinement of the best `finalists`. Raises `TrainingError` without frames.
    """
    if not frames:
        raise TrainingError("no frame to choose a threshold on: give the training part")
    first = [(rule, _pooled(rule, frames)) for rule in (first_rules() if rules is None else rules)]
    first.sort(key=lambda pair: -pair[1])
    best = [
        (refined, _pooled(refined, frames, masks))
        for rule, _ in first[:finalists]
        for masks in [[rule.mask(image) for image, _ in frames]]
        for refined in refinements(rule)
    ]
    return max(best, key=lambda pair: pair[1])


def _pooled(
    rule: ThresholdRule, frames: Sequence[tuple[Grey, Labels]], masks: Sequence[Mask] | None = None
) -> float:
    counts = PixelCounts()
    for number, (image, labels) in enumerate(frames):
        mask = rule.mask(image) if masks is None else masks[number]
        counts += compare(rule.bodies(mask) > 0, labels > 0)
    return 0.0 if np.isnan(counts.iou) else counts.iou
