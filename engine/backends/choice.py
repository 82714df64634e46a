"""Back ends by name."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from engine.backends.contract import SegmentationBackend
from engine.backends.openvino import OpenVinoBackend, Precision
from engine.backends.tensorrt import TensorRtBackend
from engine.backends.torch import TorchBackend
from engine.card import ModelCard
from engine.errors import BackendUnavailableError

BACKENDS = ("auto", "openvino", "tensorrt", "torch")
"""Names that `create_backend` takes; `auto` is the fastest that can run here."""


def check_choice(name: str, precision: str) -> None:
    """Raise BackendUnavailableError for a back end or a precision that there is not."""
    if name not in BACKENDS:
        raise BackendUnavailableError(f"There is no back end {name!r}; known are {', '.join(BACKENDS)}.")
    if precision not in get_args(Precision):
        raise BackendUnavailableError(
            f"There is no precision {precision!r}; known are {', '.join(get_args(Precision))}."
        )


def create_backend(
    name: str,
    card: ModelCard,
    *,
    threads: int = 0,
    cache: Path | None = None,
    precision: str = "auto",
    engines: Path | None = None,
) -> SegmentationBackend:
    """Create a back end by its name; what was named and cannot run is BackendUnavailableError.

    `auto` takes openvino, and torch where openvino is not installed; `describe` says which it was.
    `threads` 0 leaves the number to the back end. `precision` is auto, bf16 or f32; tensorrt's
    auto is fp16. `engines` is a folder with TensorRT engines built ahead of time.
    """
    check_choice(name, precision)
    if name == "tensorrt":
        return TensorRtBackend(
            card, cache=cache, precision=precision, engines=() if engines is None else (engines,)
        )
    if name == "torch":
        if precision == "bf16":
            raise BackendUnavailableError("The back end torch runs in f32 only. Use precision auto or f32.")
        return TorchBackend(card, threads=threads)
    try:
        return OpenVinoBackend(card, threads=threads, cache=cache, precision=precision)  # type: ignore[arg-type]
    except BackendUnavailableError:
        if name == "openvino" or precision == "bf16":
            raise
        return TorchBackend(card, threads=threads)
