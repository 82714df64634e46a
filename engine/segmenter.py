"""The engine as a whole: an image in, labelled crystals out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.cache import cache_folder
from engine.card import ModelCard, load_card
from engine.change_gate import ChangeGate, GatedField, GatedInference
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
from engine.tiling import LARGEST_WHOLE_AREA_PX, Axis, FloatImage, infer_tiled, plan


@dataclass(frozen=True)
class Segmentation:
    """Crystals of one image and where they came from.

    The arrays are the caller's to keep, not to write to: under a change gate two frames may share them.
    """

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
    kept_xywh_px: tuple[tuple[int, int, int, int], ...] = ()
    """Windows (first column, first row, width, height, px) of tiles that were not inferred for this image, since the
    change gate saw no change there: what touches one is carried over."""
    inferred_since_s: float | None = None
    """No pixel was inferred before this moment of the stream, seconds; None: all in this call."""
    tiles: int = 1
    """Tiles of the image."""
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
        engines: Path | None = None,
        on_loss: OnLoss = "stop",
        line_up: tuple[Sequence[Candidate], LineUpSettings] | None = None,
        gate: ChangeGate | None = None,
    ) -> None:
        """Load a model by its shipped name or its card's path, verify its hashes, and let a proven back end serve.

        Args:
            model: shipped name, or path of a card.
            backend: auto, or the one that must serve from the first frame on: tensorrt, openvino or torch.
            threads: processor threads; 0 leaves their number to the back end.
            cache: folder for compiled graphs and passed parity gates (default: systemd's or the user's).
            precision: auto, bf16 or f32.
            engines: folder with TensorRT engines built ahead of time by `crystal-monitor model build`.
            on_loss: what a back end's failure does: `degrade` does the same frame again on the next one, `stop`
                raises.
            line_up: other candidates, best first, and how they behave, in place of what `backend`, `precision`
                and `on_loss` name.
            gate: infer only what changed in a stream of frames; None infers every frame whole.

        Raises EngineError: ModelNotFoundError, CardError, WeightsMismatchError, BackendUnavailableError, ParityError.
        """
        self._card = load_card(model)
        folder = cache_folder(cache)
        if line_up is None:
            candidates: Sequence[Candidate] = candidates_for(
                backend, self._card, threads=threads, cache=folder, precision=precision, engines=engines
            )
            named = backend != "auto" or precision == "bf16"
            settings = LineUpSettings(on_loss=on_loss, first_must_start=named)
        else:
            candidates, settings = line_up
        self._line_up = LineUp(candidates, ParityGate(self._card, folder), settings)
        self._gate = gate
        self._fields: dict[str, GatedField] = {}
        self._latest: dict[str, Segmentation] = {}

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

    def forget(self, stream: str | None = None) -> None:
        """Infer the next frame of a stream whole, as after a change of objective; None: of every stream."""
        for name in (*self._fields,) if stream is None else (stream,):
            self._fields.pop(name, None)
            self._latest.pop(name, None)

    def segment(
        self, image: npt.NDArray[np.generic], *, stream: str = "main", at_s: float | None = None
    ) -> Segmentation:
        """Find the crystals of an image (H, W) grey or (H, W, 3) RGB, uint8 or uint16, of any size.

        With a change gate and a moment `at_s`, seconds on any clock that rises, the same for all streams, the image
        is taken as the next of `stream` (a field under one camera), and only the tiles that changed are inferred.
        The whole of it runs on one back end, the one that the result names. Raises ImageRefusedError for
        another kind of image and BackendError when no back end is left, or one was lost and that is to stop.
        """
        started = time.perf_counter()
        normalised_HW = preprocess(image)
        preprocessed = time.perf_counter()
        found, backend = self._infer(normalised_HW, stream, at_s)
        inferred = time.perf_counter()
        result = self._latest_of(stream, found) or self._bodies(found.probability_CHW)
        if self._gate is not None and at_s is not None:
            self._fields[stream].see(result.labels_HW)
            self._latest[stream] = result
        ended = time.perf_counter()
        return replace(
            result,
            backend=backend,
            timings_s={
                "preprocess": preprocessed - started,
                "network": inferred - preprocessed,
                "postprocess": ended - inferred,
            },
            kept_xywh_px=found.kept_xywh_px,
            inferred_since_s=found.inferred_since_s,
            tiles=found.tiles,
            changes=self._line_up.take_changes(),
            condition=self._line_up.condition,
        )

    def _infer(self, image_HW: FloatImage, stream: str, at_s: float | None) -> tuple[GatedInference, str]:
        axes = self._plan(*image_HW.shape)
        size = (axes[0].size, axes[1].size)
        if self._gate is None or at_s is None:
            probability_CHW, backend = self._line_up.run(
                lambda serving: infer_tiled(image_HW, axes, serving.infer), size
            )
            tiles = len(axes[0].starts) * len(axes[1].starts)
            return GatedInference(tuple(probability_CHW), (), None, tiles, 0), backend
        crystal = self._card.outputs.index("crystal")
        # A field of 2048² takes some 0.1 GB, and a station may have a hundred: what is seen seldom takes none.
        for other in [name for name, each in self._fields.items() if each.outlived(at_s)]:
            self.forget(other)
        field = self._fields.setdefault(stream, GatedField(self._gate, crystal))
        return self._line_up.run(
            lambda serving: field.infer(image_HW, at_s, axes, serving.describe(), serving.infer), size
        )

    def _latest_of(self, stream: str, found: GatedInference) -> Segmentation | None:
        """The stream's last result, where nothing was inferred since."""
        result = self._latest.get(stream)
        crystal_HW = found.probability_CHW[self._card.outputs.index("crystal")]
        return result if result is not None and result.probability_HW is crystal_HW else None

    def _bodies(self, probability_CHW: Sequence[FloatImage]) -> Segmentation:
        """Crystals from probabilities; what ran, and for how long, is for the caller to add."""
        crystal = self._card.outputs.index("crystal")
        contact = self._card.outputs.index("contact")
        bodies = postprocess(probability_CHW[crystal], probability_CHW[contact], self._card.thresholds)
        return Segmentation(bodies.labels_HW, probability_CHW[crystal], bodies.scores, "", {}, bodies.dropped)

    def close(self) -> None:
        """Free the back ends; may be called twice."""
        self._line_up.close()

    def _plan(self, height: int, width: int) -> tuple[Axis, Axis]:
        card = self._card
        small = self._gate.tile_px if self._gate is not None else None
        return plan(
            height,
            width,
            tile=small or card.tile_px,
            overlap=min(card.tile_overlap_px, (small or card.tile_px) // 4),
            stride=card.network.stride,
            whole_area=0 if small else LARGEST_WHOLE_AREA_PX,
        )
