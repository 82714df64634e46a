"""TensorRT on an NVIDIA card: the back end of a station with one."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.card import ModelCard
from engine.errors import BackendError, BackendUnavailableError
from engine.tensorrt.building import BuiltEngine, build_engine
from engine.tensorrt.device import Device, find_device
from engine.tensorrt.engine_card import EngineOrder, Precision
from engine.tensorrt.kernel_cache import KernelCache
from engine.tensorrt.library import is_rtx, library_version, load_library
from engine.tensorrt.on_card import compile_on_card
from engine.tensorrt.session import EngineLoader, EngineSession
from engine.tensorrt.shelf import ObtainedEngine, obtain_engine, tidy

_LOG = logging.getLogger("engine.tensorrt")
_PRECISIONS: dict[str, Precision] = {"auto": "fp16", "fp16": "fp16", "fp32": "fp32", "f32": "fp32"}
_SESSIONS = 2
"""Tile shapes that are held on the card at once; each takes about 0.3 GB at width 16 and 1024²."""
Compiler = Literal["auto", "onnx", "torch"]


def engine_folders(
    card: ModelCard, engines: Sequence[Path], cache: Path | None
) -> tuple[tuple[Path, ...], Path | None]:
    """Where a model's engines are looked for, in order, and where those that are built here are kept."""
    return (*engines, card.folder / "engines"), cache / "tensorrt" if cache is not None else None


class TensorRtBackend:
    """Runs one engine per tile shape: built ahead of time if there is a right one, else built here."""

    def __init__(
        self,
        card: ModelCard,
        *,
        cache: Path | None = None,
        precision: str = "auto",
        engines: Sequence[Path] = (),
        compiler: Compiler = "auto",
    ) -> None:
        """Find library and card; engines are loaded or built by `prepare`.

        Args:
            card: the model.
            cache: folder where engines and kernels that were made here are kept, in `tensorrt`.
            precision: auto and fp16, or fp32 (f32).
            engines: folders with engines built ahead of time; the model's own `engines` is looked into as well.
            compiler: what builds an engine that is missing: onnx (TensorRT's parser on the exported graph, seconds),
                torch (torch_tensorrt), or auto: onnx where it can be used.

        Raises BackendUnavailableError when torch, TensorRT, the driver or the card is missing.
        """
        if precision not in _PRECISIONS:
            raise BackendUnavailableError(
                f"The back end tensorrt has no precision {precision!r}; known are {', '.join(_PRECISIONS)}."
            )
        try:
            import torch  # noqa: PLC0415 - heavy, and only this back end and the reference need it
        except ImportError as error:
            raise BackendUnavailableError(
                f"The back end tensorrt needs torch, which is not installed ({error}). "
                "Run `pip install 'crystal-monitor[rtx]'`, or name openvino."
            ) from error
        self._torch = torch
        self._library = load_library()
        self._device: Device = find_device(torch)
        self._card = card
        self._precision = _PRECISIONS[precision]
        self._folders, self._cache = engine_folders(card, engines, cache)
        self._compiler = compiler
        self._loader: EngineLoader | None = None
        self._sessions: OrderedDict[tuple[int, int], EngineSession] = OrderedDict()
        self._notices: list[str] = []
        self._closed = False

    @property
    def graphs(self) -> tuple[int, ...]:
        """Batch sizes that run as a CUDA graph, over all tile shapes that are held."""
        return tuple(sorted({batch for session in self._sessions.values() for batch in session.graphs}))

    def describe(self) -> str:
        """Name and precision, such as `tensorrt fp16`."""
        return f"tensorrt {self._precision}"

    def prepare(self, height: int, width: int) -> None:
        """Load or build the engine for tiles of this size, px, and warm it up."""
        self._session(height, width)

    def buffer(self, height: int, width: int) -> npt.NDArray[np.float32]:
        """The pinned buffer (1, 1, height, width) from which a tile goes to the card without another copy."""
        return self._session(height, width).buffer()

    def infer(self, image_BCHW: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Calibrated probabilities (B, C, H, W); overwritten by the next call."""
        return self._session(*image_BCHW.shape[2:]).infer(image_BCHW)

    def take_notices(self) -> tuple[str, ...]:
        """Why engines that were found were refused, in words."""
        taken = tuple(self._notices)
        self._notices.clear()
        return taken

    def close(self) -> None:
        """Free what is held on the card."""
        self._closed = True
        while self._sessions:
            self._sessions.popitem()[1].close()

    def _session(self, height: int, width: int) -> EngineSession:
        if self._closed:
            raise BackendError("The back end tensorrt was closed. Create a new one.")
        session = self._sessions.get((height, width))
        if session is None:
            while len(self._sessions) >= _SESSIONS:  # before the new one needs the memory
                self._sessions.popitem(last=False)[1].close()
            session = self._open(EngineOrder(height, width, self._precision))
            self._sessions[height, width] = session
        self._sessions.move_to_end((height, width))
        return session

    def _open(self, order: EngineOrder) -> EngineSession:
        stride = self._card.network.stride
        if order.height_px % stride or order.width_px % stride:
            raise BackendError(
                f"TensorRT cannot take images of {order.height_px}×{order.width_px} px: "
                f"both sides must be multiples of the network's stride, {stride} px."
            )
        if self._loader is None:
            self._loader = EngineLoader(self._library)
        obtained: ObtainedEngine = obtain_engine(
            self._card,
            order,
            folders=self._folders,
            cache=self._cache,
            library=library_version(self._library),
            capability=self._device.capability,
            build=lambda: self._build(order),
            load=self._loader.load,
        )
        self._notices += [str(refusal) for refusal in obtained.refusals]
        kernels: Path | None = None
        if self._cache is not None:
            name = order.file_name(self._card.name)
            kernels = self._cache / f"{name}.{obtained.card.engine_sha256[:16]}.kernels"
        session = EngineSession(
            self._torch, self._loader, obtained.loaded, obtained.card, kernels=KernelCache(kernels)
        )
        if self._cache is not None:
            tidy(self._cache)
        return session

    def _build(self, order: EngineOrder) -> BuiltEngine:
        capability = self._device.capability
        by_onnx = self._compiler == "onnx" or (self._compiler == "auto" and is_rtx(self._library))
        if by_onnx:
            try:
                return build_engine(self._card, order, capabilities=(capability,))
            except BackendUnavailableError as missing:
                if self._compiler == "onnx":
                    raise
                _LOG.info("%s torch_tensorrt compiles instead.", missing)
        return compile_on_card(
            self._card, order, library=library_version(self._library), capability=capability
        )
