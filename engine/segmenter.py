"""The engine as a whole: an image in, labelled crystals out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.cache import cache_folder
from engine.card import ModelCard, load_card
from engine.lineup import (
    Candidate,
    EngineChange,
    EngineCondition,
    LineUp,
    LineUpSettings,
    OnLoss,
    candidates_for,
)
from engine.parity import ParityGate
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
    changes: tuple[EngineChange, ...] = ()
    """What changed in the line-up since the last result: losses, swaps, refusals, in order."""
    condition: EngineCondition | None = None
    """Whether the back end that should serve does; None where nobody says."""


class Segmenter:
    """One model on the best back end that is ready. Belongs to one thread at a time."""

    def __init__(
        self,
        model: str | Path = "default",
        backend: str = "auto",
        threads: int = 0,
        cache: Path | None = None,
        *,
        precision: str = "auto",
        on_loss: OnLoss = "stop",
        line_up: tuple[Sequence[Candidate], LineUpSettings] | None = None,
    ) -> None:
        """Load a model by its shipped name or its card's path, verify its hashes, and let a proven back end serve.

        Args:
            model: shipped name, or path of a card.
            backend: auto, or the one that must serve from the first frame on: tensorrt, openvino or torch.
            threads: processor threads; 0 leaves their number to the back end.
            cache: folder for compiled graphs and passed parity gates (default: systemd's or the user's).
            precision: auto, bf16 or f32.
            on_loss: what a back end's failure does: `degrade` does the same frame again on the next one, `stop`
                raises.
            line_up: other candidates, best first, and how they behave, in place of what `backend`, `precision`
                and `on_loss` name.

        Raises EngineError: ModelNotFoundError, CardError, WeightsMismatchError, BackendUnavailableError, ParityError.
        """
        self._card = load_card(model)
        folder = cache_folder(cache)
        if line_up is None:
            candidates: Sequence[Candidate] = candidates_for(
                backend, self._card, threads=threads, cache=folder, precision=precision
            )
            named = backend != "auto" or precision == "bf16"
            settings = LineUpSettings(on_loss=on_loss, first_must_start=named)
        else:
            candidates, settings = line_up
        self._line_up = LineUp(candidates, ParityGate(self._card, folder), settings)

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self._card

    @property
    def describe(self) -> str:
        """What serves now, such as `openvino bf16`."""
        return self._line_up.describe

    @property
    def condition(self) -> EngineCondition:
        """Whether the back end that should serve does."""
        return self._line_up.condition

    def prepare(self, height: int, width: int) -> None:
        """Compile for frames of this size, px, so that the first of them is not late."""
        rows, columns = self._plan(height, width)
        self._line_up.prepare(rows.size, columns.size)

    def segment(self, image: npt.NDArray[np.generic]) -> Segmentation:
        """Find the crystals of an image (H, W) grey or (H, W, 3) RGB, uint8 or uint16, of any size.

        The whole of it runs on one back end, the one that the result names. Raises ImageRefusedError for
        another kind of image and BackendError when no back end is left, or one was lost and that is to stop.
        """
        started = time.perf_counter()
        normalised_HW = preprocess(image)
        preprocessed = time.perf_counter()
        axes = self._plan(*normalised_HW.shape)
        probability_CHW, backend = self._line_up.run(
            lambda serving: infer_tiled(normalised_HW, axes, serving.infer), (axes[0].size, axes[1].size)
        )
        inferred = time.perf_counter()
        crystal = self._card.outputs.index("crystal")
        contact = self._card.outputs.index("contact")
        bodies = postprocess(probability_CHW[crystal], probability_CHW[contact], self._card.thresholds)
        ended = time.perf_counter()
        return Segmentation(
            labels_HW=bodies.labels_HW,
            probability_HW=probability_CHW[crystal],
            scores=bodies.scores,
            backend=backend,
            timings_s={
                "preprocess": preprocessed - started,
                "network": inferred - preprocessed,
                "postprocess": ended - inferred,
            },
            dropped=bodies.dropped,
            changes=self._line_up.take_changes(),
            condition=self._line_up.condition,
        )

    def close(self) -> None:
        """Free the back ends; may be called twice."""
        self._line_up.close()

    def _plan(self, height: int, width: int) -> tuple[Axis, Axis]:
        card = self._card
        return plan(
            height, width, tile=card.tile_px, overlap=card.tile_overlap_px, stride=card.network.stride
        )
