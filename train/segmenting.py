"""What evaluation asks of a segmenter: the engine's, a network's in training, or a threshold's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine import Segmenter

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Found:
    """Crystals found in an image.

    Attributes:
        labels_HW: int32, 0 = background.
        scores: how sure each label is, 0..1.
        probability_HW: float32 0..1, of crystal, calibrated; None: the method knows none.
    """

    labels_HW: npt.NDArray[np.int32]
    scores: dict[int, float]
    probability_HW: npt.NDArray[np.float32] | None


class Segment(Protocol):
    """Image (height, width) uint8 in, crystals out."""

    def __call__(self, image_HW: npt.NDArray[np.uint8]) -> Found:
        """Find the crystals of one image."""


def engine_segment(weights: str, threads: int) -> Segment:
    """The engine with weights by name or card's path; raises the engine's errors."""
    segmenter = Segmenter(weights, threads=threads)

    def segment(image_HW: npt.NDArray[np.uint8]) -> Found:
        segmentation = segmenter.segment(image_HW)
        return Found(segmentation.labels_HW, dict(segmentation.scores), segmentation.probability_HW)

    return segment
