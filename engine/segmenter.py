"""The engine as a whole: an image in, labelled crystals out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.backends import create_backend
from engine.cache import cache_folder
from engine.card import ModelCard, load_card
from engine.postprocess import postprocess
from engine.preprocess import preprocess
from engine.tiling import Axis, infer_tiled, plan


@dataclass(frozen=True)
class Segmentation:
    """Crystals of one image and where they came from; the arrays are the caller's to keep."""

    labels_HW: npt.NDArray[np.int32]
    """Label of each pixel, 0 = background, 1…n without gaps; crystals that touch have their own."""
    probability_HW: npt.NDArray[np.float32]
    """Calibrated probability 0…1 that a pixel is crystal."""
    scores: Mapping[int, float]
    """Mean probability of each label's pixels, 0…1."""
    backend: str
    """What really ran, such as `openvino bf16`."""
    timings_s: Mapping[str, float]
    """Seconds spent in `preprocess`, `network` and `postprocess`."""
    dropped: int
    """Bodies found and left out: below the minimal area or score."""


class Segmenter:
    """One model on one back end. Belongs to one thread at a time."""

    def __init__(
        self,
        model: str | Path = "default",
        backend: str = "auto",
        threads: int = 0,
        cache: Path | None = None,
        *,
        precision: str = "auto",
    ) -> None:
        """Load a model by its shipped name or its card's path, and verify its hashes.

        `backend` is auto, openvino or torch; `threads` 0 leaves their number to it; `cache` is the
        folder for compiled graphs (default: systemd's or the user's cache folder); `precision` is auto, bf16 or f32.
        Raises EngineError: ModelNotFoundError, CardError, WeightsMismatchError, BackendUnavailableError.
        """
        self._card = load_card(model)
        self._backend = create_backend(
            backend, self._card, threads=threads, cache=cache_folder(cache), precision=precision
        )

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self._card

    @property
    def describe(self) -> str:
        """What runs, such as `openvino bf16`."""
        return self._backend.describe()

    def prepare(self, height: int, width: int) -> None:
        """Compile for frames of this size, px, so that the first of them is not late."""
        rows, columns = self._plan(height, width)
        self._backend.prepare(rows.size, columns.size)

    def segment(self, image: npt.NDArray[np.generic]) -> Segmentation:
        """Find the crystals of an image (H, W) grey or (H, W, 3) RGB, uint8 or uint16, of any size.

        Raises ImageRefusedError for another kind of image and BackendError when the back end fails.
        """
        started = time.perf_counter()
        normalised_HW = preprocess(image)
        preprocessed = time.perf_counter()
        axes = self._plan(*normalised_HW.shape)
        probability_CHW = infer_tiled(normalised_HW, axes, self._backend.infer)
        inferred = time.perf_counter()
        crystal = self._card.outputs.index("crystal")
        contact = self._card.outputs.index("contact")
        bodies = postprocess(probability_CHW[crystal], probability_CHW[contact], self._card.thresholds)
        ended = time.perf_counter()
        return Segmentation(
            labels_HW=bodies.labels_HW,
            probability_HW=probability_CHW[crystal],
            scores=bodies.scores,
            backend=self._backend.describe(),
            timings_s={
                "preprocess": preprocessed - started,
                "network": inferred - preprocessed,
                "postprocess": ended - inferred,
            },
            dropped=bodies.dropped,
        )

    def close(self) -> None:
        """Free the back end; may be called twice."""
        self._backend.close()

    def _plan(self, height: int, width: int) -> tuple[Axis, Axis]:
        card = self._card
        return plan(
            height, width, tile=card.tile_px, overlap=card.tile_overlap_px, stride=card.network.stride
        )
