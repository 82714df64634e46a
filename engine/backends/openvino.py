"""OpenVINO on the processor: the back end of a station without a card."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.backends.contract import logit_shifts
from engine.backends.failure import failure_of
from engine.backends.openvino_core import openvino_core
from engine.cache import tidy
from engine.card import ModelCard
from engine.errors import BackendError, BackendUnavailableError

Precision = Literal["auto", "bf16", "f32"]
_COMPILED_SHAPES = 4
_FAILURES = (RuntimeError, MemoryError)


def probability_graph(card: ModelCard) -> Any:
    """A card's graph as an `openvino.Model` that gives calibrated probabilities (B, C, H, W).

    Raises BackendError when it cannot be read, WeightsMismatchError when it is not the card's.
    """
    core = openvino_core()
    import openvino  # noqa: PLC0415 - heavy, and only this back end needs it
    from openvino import opset15 as operations  # noqa: PLC0415

    try:
        model = core.read_model(card.verify(card.onnx_path, card.onnx_sha256))
    except _FAILURES as error:
        raise failure_of(
            error, f"OpenVINO cannot read {card.onnx_path}: {error}. Release it anew."
        ) from error
    logits = model.outputs[0].get_node().input_value(0)
    shift = np.asarray(logit_shifts(card.positive_weights), np.float32).reshape(1, -1, 1, 1)
    shift_node = operations.constant(shift, name="logit_shift")
    shifted = operations.subtract(logits, shift_node, name="shifted_logits")
    probability = operations.result(operations.sigmoid(shifted, name="probability"), name="probability_BCHW")
    # Named, all of them: names that OpenVINO makes up differ each time, and with them the cache's key.
    return openvino.Model([probability], model.get_parameters(), card.name)


@dataclass(frozen=True)
class MadeGraph:
    """A graph that its maker gives in place of the card's own."""

    model: Any
    """An `openvino.Model` from normalised images to calibrated probabilities, as `probability_graph` gives."""
    word: str
    """What it is called after `openvino`, such as `int8`."""


class OpenVinoBackend:
    """Compiles the model's graph once per frame size and keeps the last few."""

    def __init__(
        self,
        card: ModelCard,
        *,
        threads: int = 0,
        cache: Path | None = None,
        precision: Precision = "auto",
        made: MadeGraph | None = None,
    ) -> None:
        """Read the graph; `threads` 0 leaves the number to OpenVINO, `cache` keeps compiled graphs.

        `made` runs in place of the card's own graph, and is never kept in the cache.

        Raises BackendUnavailableError when OpenVINO is not installed or bf16 was named and the
        processor lacks it, BackendError when the graph cannot be read, WeightsMismatchError when it is not the card's.
        """
        try:
            self._core = openvino_core()
        except ImportError as error:
            raise BackendUnavailableError(
                f"The back end openvino is not installed ({error}). "
                "Run `pip install openvino`, or name another."
            ) from error
        capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision == "bf16" and "BF16" not in capabilities:
            raise BackendUnavailableError(
                f"This processor has no bf16 (it has {', '.join(capabilities)}). Use precision auto or f32."
            )
        self._precision = ("bf16" if "BF16" in capabilities else "f32") if precision == "auto" else precision
        self._options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": self._precision,
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads > 0:
            self._options["INFERENCE_NUM_THREADS"] = threads
        self._cache = cache if made is None else None
        self._described = self._precision if made is None else made.word
        if self._cache is not None:
            # One folder per graph: other weights can never meet what was compiled from these.
            self._options["CACHE_DIR"] = str(self._cache / card.onnx_sha256[:16])
        self._model = probability_graph(card) if made is None else made.model
        self._requests: OrderedDict[tuple[int, ...], Any] = OrderedDict()

    def describe(self) -> str:
        """Name and precision or the maker's word, such as `openvino bf16`."""
        return f"openvino {self._described}"

    def prepare(self, height: int, width: int) -> None:
        """Compile for frames of this size, px."""
        self._request((1, 1, height, width))

    def infer(self, image_BCHW: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Calibrated probabilities (B, C, H, W); overwritten by the next call."""
        request = self._request(image_BCHW.shape)
        try:
            request.infer({0: np.ascontiguousarray(image_BCHW)}, share_inputs=True)
            probability_BCHW: npt.NDArray[np.float32] = request.get_output_tensor(0).data
        except _FAILURES as error:
            raise failure_of(error, f"OpenVINO failed on an image {image_BCHW.shape}: {error}.") from error
        return probability_BCHW

    def take_notices(self) -> tuple[str, ...]:
        """Nothing: what it keeps on disk is compiled anew without a word."""
        return ()

    def close(self) -> None:
        """Drop the graph and what was compiled from it."""
        self._requests.clear()
        self._model = None

    def _request(self, shape: tuple[int, ...]) -> Any:
        request = self._requests.get(shape)
        if request is None:
            if self._model is None:
                raise BackendError("The back end openvino was closed. Create a new one.")
            try:
                # A graph with fixed sizes runs faster than one with free sizes.
                self._model.reshape(list(shape))
                compiled = self._core.compile_model(self._model, "CPU", self._options)
                request = compiled.create_infer_request()
            except _FAILURES as error:
                raise failure_of(
                    error,
                    f"OpenVINO cannot compile the model for images {shape}: {error}. "
                    "Sides must be multiples of the network's stride.",
                ) from error
            self._requests[shape] = request
            if self._cache is not None:
                tidy(self._cache)
            while len(self._requests) > _COMPILED_SHAPES:
                self._requests.popitem(last=False)
        self._requests.move_to_end(shape)
        return request
