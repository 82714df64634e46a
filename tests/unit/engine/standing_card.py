"""A card that stands in where there is none: torch's and TensorRT's part on it, computed by numpy.

Building stays TensorRT's own; what is stood in for is loading and running, which need a card. The network is
replaced by a formula, so that a mix-up of tiles, buffers or graphs shows in the figures.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import tensorrt_rtx
import torch

CAPABILITY = (8, 6)
RTX_ALONE = (
    "ComputeCapability",
    "CudaGraphStrategy",
    "DynamicShapesKernelSpecializationStrategy",
    "EngineInvalidityDiagnostics",
    "EngineValidity",
)
VALIDITY = tensorrt_rtx.EngineValidity


def formula(image_BCHW: np.ndarray) -> np.ndarray:
    """What the card that stands in computes: two channels from one."""
    return np.concatenate([image_BCHW * 2 + 1, image_BCHW - 3], 1)


def _array(address: int, shape: tuple[int, ...]) -> np.ndarray:
    count = int(np.prod(shape))
    return np.ctypeslib.as_array((ctypes.c_float * count).from_address(address)).reshape(shape)


class Context:
    """An execution context: keeps what it was told, and computes at `execute_async_v3`."""

    def __init__(self, card: StandingCard) -> None:
        self._card = card
        self._addresses: dict[str, int] = {}
        self._shape: tuple[int, ...] = ()

    def set_optimization_profile_async(self, profile: int, stream: int) -> bool:
        self._card.profiles.append(profile)
        return True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._shape = shape
        return True

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return (self._shape[0], 2, *self._shape[2:])

    def is_stream_capturable(self, stream: int) -> bool:
        assert self._card.rtx, "the standard library does not have this"
        return self._card.capturable

    def execute_async_v3(self, stream: int) -> bool:
        card = self._card
        if card.capturing is not None:
            card.capturing.work.append(self._compute)
            return True
        card.enqueued += 1
        return self._compute()

    def _compute(self) -> bool:
        if self._card.failing:
            self._card.say(self._card.failing)
            return False
        image = _array(self._addresses["image_BCHW"], self._shape)
        _array(self._addresses["probability_BCHW"], self.get_tensor_shape("probability_BCHW"))[:] = formula(
            image
        )
        return True


class Graph:
    """A CUDA graph: what was enqueued while it was captured."""

    def __init__(self) -> None:
        self.work: list[Any] = []

    def replay(self) -> None:
        for compute in self.work:
            if not compute():
                raise RuntimeError("CUDA error: unspecified launch failure")


class StandingCard:
    """One card, and the two libraries that talk to it: `torch` and `library`, that of RTX cards or the standard one."""

    def __init__(self, *, rtx: bool = True) -> None:
        self.rtx = rtx
        self.capturable = True
        self.failing = ""
        self.refusing: int | None = None
        self.unloadable = False
        self.capturing: Graph | None = None
        self.enqueued = 0
        self.replays = 0
        self.loaded: list[bytes] = []
        self.profiles: list[int] = []
        self.kernels = b"kernels"
        self.kernels_given: list[bytes] = []
        self.logger: Any = None
        self.torch = self._torch()
        self.library = _Library(self)

    def say(self, words: str) -> None:
        self.logger.log(tensorrt_rtx.ILogger.ERROR, words)

    def _torch(self) -> SimpleNamespace:
        stream = SimpleNamespace(cuda_stream=1, synchronize=lambda: None)

        @contextmanager
        def use(_: object) -> Iterator[None]:
            yield

        @contextmanager
        def capture(graph: Graph, **_: object) -> Iterator[None]:
            self.capturing = graph
            yield
            self.capturing = None

        def zeros(shape: tuple[int, ...], *, dtype: torch.dtype, pin_memory: bool) -> torch.Tensor:
            assert pin_memory
            return torch.zeros(shape, dtype=dtype)

        def zeros_like(other: torch.Tensor, *, device: str) -> torch.Tensor:
            assert device == "cuda"
            return torch.zeros_like(other)

        cuda = SimpleNamespace(
            init=lambda: None,
            device_count=lambda: 1,
            get_device_capability=lambda index: CAPABILITY,
            get_device_name=lambda index: "a card that stands in",
            Stream=lambda: stream,
            stream=use,
            CUDAGraph=Graph,
            graph=capture,
        )
        return SimpleNamespace(
            __name__="torch",
            version=SimpleNamespace(cuda="13.0"),
            __version__=torch.__version__,
            cuda=cuda,
            float32=torch.float32,
            zeros=zeros,
            zeros_like=zeros_like,
        )


class _Library:
    """TensorRT for RTX with another runtime."""

    def __init__(self, card: StandingCard) -> None:
        self._card = card

    def __getattr__(self, name: str) -> Any:
        if not self._card.rtx and name in RTX_ALONE:
            raise AttributeError(name)
        return getattr(tensorrt_rtx, name)

    def Runtime(self, logger: Any) -> Any:  # noqa: N802 - the library's name
        card = self._card
        card.logger = logger

        def validity(engine: bytes) -> tuple[Any, int]:
            if not engine.startswith(b"vtrt"):
                return VALIDITY.INVALID, int(tensorrt_rtx.EngineInvalidityDiagnostics.MALFORMED_ENGINE)
            if card.failing:
                card.say(card.failing)
            return (VALIDITY.VALID, 0) if card.refusing is None else (VALIDITY.INVALID, card.refusing)

        def deserialize(engine: bytes) -> Any:
            if card.unloadable:
                card.unloadable = False
                card.say("Serialization assertion failed.")
                return None
            card.loaded.append(engine)
            if not card.rtx:
                return SimpleNamespace(create_execution_context=lambda strategy: Context(card))
            return SimpleNamespace(
                create_runtime_config=self._runtime_config,
                create_execution_context=lambda config: Context(card),
            )

        if not card.rtx:
            return SimpleNamespace(deserialize_cuda_engine=deserialize)
        return SimpleNamespace(get_engine_validity=validity, deserialize_cuda_engine=deserialize)

    def _runtime_config(self) -> Any:
        card = self._card
        cache = SimpleNamespace(serialize=lambda: card.kernels, deserialize=card.kernels_given.append)
        return SimpleNamespace(
            create_runtime_cache=lambda: cache,
            set_runtime_cache=lambda given: None,
            set_execution_context_allocation_strategy=lambda strategy: None,
        )
