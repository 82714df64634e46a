"""The card of an engine: what it was built from, by what and for what, so that a wrong one is never loaded."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from engine.card import ModelCard
from engine.tensorrt.errors import EngineRefusedError

ENGINE_CARD_FORMAT = 1
Precision = Literal["fp16", "fp32"]
"""Arithmetic of the network; the image goes in and the probabilities come out in float32 either way."""
_LISTS = ("positive_weights", "batches", "outputs", "compute_capabilities")
_TEXTS = ("model", "weights_sha256", "onnx_sha256", "engine_sha256", "precision", "library")


@dataclass(frozen=True)
class EngineOrder:
    """Which engine is wanted: the shape and precision that its file name says."""

    height_px: int
    """Height of the tile, px, a multiple of the network's stride."""
    width_px: int
    """Width of the tile, px, a multiple of the network's stride."""
    precision: Precision = "fp16"
    """Arithmetic of the network."""
    batches: tuple[int, ...] = (1, 4)
    """Tiles per call; each number has a profile of fixed shape, for which kernels and CUDA graph are made."""

    def file_name(self, model: str) -> str:
        """Name of the engine's file, such as `default-1024x1024-fp16.engine`; its card ends in `.json` more."""
        return f"{model}-{self.height_px}x{self.width_px}-{self.precision}.engine"


@dataclass(frozen=True)
class EngineCard:
    """Everything that is known about an engine; stored as JSON beside it."""

    model: str
    """Name of the model that it runs."""
    weights_sha256: str
    """SHA-256 of the model's safetensors file, hexadecimal."""
    onnx_sha256: str
    """SHA-256 of the exported graph that it was built from, hexadecimal."""
    positive_weights: tuple[float, ...]
    """Positive weights that the graph undoes; see the model's card."""
    engine_sha256: str
    """SHA-256 of the engine's file, hexadecimal."""
    engine_bytes: int
    """Length of the engine's file, bytes."""
    precision: Precision
    """Arithmetic of the network."""
    height_px: int
    """Height of the tile, px."""
    width_px: int
    """Width of the tile, px."""
    batches: tuple[int, ...]
    """Tiles per call, one profile of fixed shape each, in the profiles' order."""
    outputs: tuple[str, ...]
    """What each output channel is, in order."""
    compute_capabilities: tuple[str, ...]
    """Cards that it runs on, such as `8.6`."""
    library: str
    """Library and version that built it and that must run it, such as `tensorrt_rtx 1.6.1.120`."""
    built_with: str
    """`onnx` (ahead of time, from the exported graph) or `torch_tensorrt` (on the card)."""
    exported_operators: int
    """Nodes of the exported graph; those that depend on the tile's size alone are computed at the build."""
    operators: int
    """Nodes of the graph that was given to TensorRT."""
    operators_inside: int
    """How many of them TensorRT took into the engine."""
    engines: int
    """Engines that the network needs: 1."""
    network_layers: int | None
    """Layers of TensorRT's network before it fuses them; None where the compiler does not say."""
    build_s: float
    """How long the build took, seconds."""
    created: str
    """When, ISO 8601, UTC."""

    @property
    def coverage(self) -> float:
        """Share of the operators that run inside the engine, 0…1."""
        return self.operators_inside / self.operators

    def to_row(self) -> dict[str, Any]:
        """Give the card's entries by name, and the coverage."""
        return asdict(self) | {"coverage": self.coverage}

    def to_json(self) -> str:
        """Give the card as it is stored."""
        return json.dumps({"engine_card_format": ENGINE_CARD_FORMAT} | self.to_row(), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, *, origin: str) -> EngineCard:
        """Read a card; raise EngineRefusedError (corrupt), naming `origin`, when it is none."""
        try:
            value = json.loads(text)
        except ValueError as error:
            raise EngineRefusedError("corrupt", f"The engine card {origin} is not JSON ({error}).") from error
        if not isinstance(value, dict) or value.pop("engine_card_format", None) != ENGINE_CARD_FORMAT:
            raise EngineRefusedError("corrupt", f"{origin} is no engine card of format {ENGINE_CARD_FORMAT}.")
        value.pop("coverage", None)
        wrong = sorted(set(value) ^ {entry.name for entry in fields(cls)})
        if wrong:
            raise EngineRefusedError(
                "corrupt", f"The engine card {origin} has unknown or missing entries: {wrong}."
            )
        lists = {name: value[name] for name in _LISTS if isinstance(value[name], list)}
        texts = (*(value[name] for name in _TEXTS), *lists.get("compute_capabilities", ()))
        if set(lists) != set(_LISTS) or not all(isinstance(text, str) for text in texts):
            raise EngineRefusedError("corrupt", f"The engine card {origin} has an entry of the wrong kind.")
        value |= {name: tuple(entries) for name, entries in lists.items()}
        return cls(**value)

    def check(
        self, model: ModelCard, order: EngineOrder, *, library: str, capability: str | None, origin: str
    ) -> None:
        """Raise EngineRefusedError unless this is the engine that is wanted.

        Args:
            model: the model to run.
            order: shape and precision to run it in.
            library: name and version of the library that is installed.
            capability: the card's compute capability, such as `8.6`; None does not look at it.
            origin: the engine's file, for the message.
        """
        if self.precision not in get_args(Precision) or (self.model, self.outputs) != (
            model.name,
            model.outputs,
        ):
            raise EngineRefusedError(
                "foreign",
                f"The engine {origin} is one for {self.model!r} with the outputs {list(self.outputs)} in "
                f"{self.precision}, not for {model.name!r} with {list(model.outputs)}.",
            )
        if (self.precision, self.height_px, self.width_px) != (
            order.precision,
            order.height_px,
            order.width_px,
        ) or 1 not in self.batches:
            raise EngineRefusedError(
                "foreign",
                f"The engine {origin} is one for {self.height_px}×{self.width_px} px in {self.precision} with "
                f"batches {list(self.batches)}, where {order.height_px}×{order.width_px} px in "
                f"{order.precision} is wanted.",
            )
        built_from = self.weights_sha256, self.onnx_sha256, self.positive_weights
        if built_from != (model.safetensors_sha256, model.onnx_sha256, model.positive_weights):
            raise EngineRefusedError(
                "stale",
                f"The engine {origin} was built from other weights (SHA-256 {self.weights_sha256[:16]}…, "
                f"where the model has {model.weights_hash}…).",
            )
        if (self.operators_inside, self.engines) != (self.operators, 1):
            raise EngineRefusedError(
                "corrupt",
                f"The engine {origin} holds {self.operators_inside} of {self.operators} operators in "
                f"{self.engines} engines.",
            )
        if self.library != library:
            raise EngineRefusedError(
                "version", f"The engine {origin} was built by {self.library}; {library} is installed."
            )
        if capability is not None and capability not in self.compute_capabilities:
            raise EngineRefusedError(
                "capability",
                f"The engine {origin} runs on compute capabilities {', '.join(self.compute_capabilities)}; "
                f"this card has {capability}.",
            )
