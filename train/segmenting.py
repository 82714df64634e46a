"""What evaluation asks of a segmenter: the engine's, a network's in training, or a threshold's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from engine import Segmenter
from engine.postprocess import postprocess
from engine.preprocess import preprocess
from engine.tiling import infer_tiled, plan

if TYPE_CHECKING:
    import numpy.typing as npt

    from engine.backends.contract import SegmentationBackend
    from engine.card import ModelCard


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


def backend_segment(backend: SegmentationBackend, card: ModelCard) -> Segment:
    """One back end with what goes before and after it, without the engine's choice of another; raises its errors."""

    def segment(image_HW: npt.NDArray[np.uint8]) -> Found:
        normal_HW = preprocess(image_HW)
        axes = plan(
            *normal_HW.shape, tile=card.tile_px, overlap=card.tile_overlap_px, stride=card.network.stride
        )
        crystal_HW, contact_HW = (
            np.ascontiguousarray(map_HW) for map_HW in infer_tiled(normal_HW, axes, backend.infer)
        )
        bodies = postprocess(crystal_HW, contact_HW, card.thresholds)
        return Found(bodies.labels_HW, dict(bodies.scores), crystal_HW)

    return segment
