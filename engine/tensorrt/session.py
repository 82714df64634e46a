"""An engine on the card: its own stream, pinned buffers, and one CUDA graph for each batch size."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import BackendError
from engine.tensorrt.device import failure
from engine.tensorrt.engine_card import EngineCard
from engine.tensorrt.errors import EngineRefusedError
from engine.tensorrt.kernel_cache import KernelCache
from engine.tensorrt.library import is_rtx, last_words, make_logger
from engine.tensorrt.typed_graph import INPUT, OUTPUT

_LOG = logging.getLogger("engine.tensorrt")
_WARM_UPS = 2
FloatImage = npt.NDArray[np.float32]


class EngineLoader:
    """Turns an engine's bytes into the library's object, or refuses them; keeps library and log together."""

    def __init__(self, library: Any) -> None:
        """Start the library's runtime."""
        self.library = library
        self.logger = make_logger(library)
        self._runtime = library.Runtime(self.logger)

    def load(self, engine: bytes) -> Any:
        """Load an engine; raise EngineRefusedError when the library will not have it.

        TensorRT for RTX is asked first whether card, version and header fit, without loading anything.
        """
        library = self.library
        if is_rtx(library):
            validity, diagnostics = self._runtime.get_engine_validity(engine)
            if validity == library.EngineValidity.INVALID:
                raise self._why_invalid(diagnostics)
        loaded = self._runtime.deserialize_cuda_engine(engine)
        if loaded is None:
            words = last_words(self.logger)
            error = failure("Loading the engine", words)
            if type(error) is not BackendError:
                raise error
            raise EngineRefusedError("corrupt", f"TensorRT cannot load the engine: {words}.")
        return loaded

    def _why_invalid(self, diagnostics: int) -> BackendError:
        """A refusal where the engine is at fault; another error where the card is."""
        flags = self.library.EngineInvalidityDiagnostics.__members__
        found = {name for name, flag in flags.items() if diagnostics & int(flag)}
        words = last_words(self.logger)
        if "INSUFFICIENT_GPU_MEMORY" in found:
            return failure("Loading the engine", f"out of memory; {words}")
        if "UNSUPPORTED_CC" in found:
            reason = "capability"
        elif found & {"VERSION_MISMATCH", "OLD_CUDA_DRIVER", "OLD_CUDA_RUNTIME"}:
            reason = "version"
        elif "MALFORMED_ENGINE" in found:
            reason = "corrupt"
        else:
            return failure("Loading the engine", words)
        text = ", ".join(sorted(found)).lower().replace("_", " ")
        return EngineRefusedError(reason, f"TensorRT for RTX refuses the engine: {text}.")


class EngineSession:
    """Runs one loaded engine. Belongs to one thread at a time."""

    def __init__(
        self, torch: Any, loader: EngineLoader, engine: Any, card: EngineCard, *, kernels: KernelCache
    ) -> None:
        """Make a stream and, for single tiles, the buffers and the graph; that of larger batches follow when asked for.

        Raises BackendMemoryError, DeviceLostError or BackendError.
        """
        self._torch = torch
        self._loader = loader
        self._engine = engine
        self._card = card
        self._kernels = kernels
        self._lanes: dict[int, _Lane] = {}
        try:
            self._stream = torch.cuda.Stream()
        except RuntimeError as error:
            raise failure("Starting TensorRT", error) from error
        self._lane(1)

    @property
    def graphs(self) -> tuple[int, ...]:
        """Batch sizes that run as a CUDA graph."""
        return tuple(batch for batch, lane in self._lanes.items() if lane.graph is not None)

    def buffer(self) -> FloatImage:
        """The pinned buffer (1, 1, H, W) from which a single tile goes to the card.

        Who writes a normalised tile here and gives the very array to `infer` spares a copy.
        """
        return self._lane(1).image_BCHW

    def infer(self, image_BCHW: FloatImage) -> FloatImage:
        """Probabilities (B, C, H, W) of tiles (B, 1, H, W); overwritten by the next call."""
        count = len(image_BCHW)
        if count in self._card.batches:
            return self._lane(count).run(image_BCHW)
        shape = (count, len(self._card.outputs), self._card.height_px, self._card.width_px)
        result_BCHW = np.empty(shape, np.float32)
        for part in batches_of(count, self._card.batches):
            result_BCHW[part] = self._lane(part.stop - part.start).run(image_BCHW[part])
        return result_BCHW

    def close(self) -> None:
        """Free buffers and graphs; may be called twice."""
        self._lanes.clear()

    def _lane(self, batch: int) -> _Lane:
        lane = self._lanes.get(batch)
        if lane is None:
            lane = _Lane(
                self._torch, self._loader, self._engine, self._card, batch, self._stream, self._kernels
            )
            self._lanes[batch] = lane
            self._kernels.save()
        return lane


def batches_of(count: int, batches: Sequence[int]) -> Iterator[slice]:
    """Cut `count` tiles into the fewest batches of the sizes that there are; 1 is among them."""
    start = 0
    while start < count:
        size = max(batch for batch in batches if batch <= count - start)
        yield slice(start, start + size)
        start += size


class _Lane:
    """Context, buffers and graph of one batch size: nothing about them ever changes, as a graph demands."""

    def __init__(
        self,
        torch: Any,
        loader: EngineLoader,
        engine: Any,
        card: EngineCard,
        batch: int,
        stream: Any,
        kernels: KernelCache,
    ) -> None:
        self._torch = torch
        self._logger = loader.logger
        self._stream = stream
        self._what = f"TensorRT on {batch} tiles of {card.height_px}×{card.width_px} px"
        self.graph: Any = None
        size = card.height_px, card.width_px
        try:
            self._context = _create_context(loader.library, engine, kernels)
            if self._context is None:
                raise failure(self._what, last_words(self._logger))
            shape_BCHW = (batch, len(card.outputs), *size)
            self._image = torch.zeros((batch, 1, *size), dtype=torch.float32, pin_memory=True)
            self._probability = torch.zeros(shape_BCHW, dtype=torch.float32, pin_memory=True)
            with torch.cuda.stream(stream):  # what fills them stays in order with what uses them
                self._image_on_card = torch.zeros_like(self._image, device="cuda")
                self._probability_on_card = torch.zeros_like(self._probability, device="cuda")
            self._bind(card.batches.index(batch))
            for _ in range(_WARM_UPS):  # compiles the kernels
                self._enqueue()
                stream.synchronize()
        except RuntimeError as error:
            raise failure(self._what, error) from error
        self.image_BCHW: FloatImage = self._image.numpy()
        self._probability_BCHW: FloatImage = self._probability.numpy()
        self._capture(loader.library)

    def run(self, image_BCHW: FloatImage) -> FloatImage:
        """Probabilities of a full batch, in the pinned buffer that the card writes."""
        if image_BCHW.ctypes.data != self.image_BCHW.ctypes.data:
            np.copyto(self.image_BCHW, image_BCHW)
        try:
            with self._torch.cuda.stream(self._stream):
                self._image_on_card.copy_(self._image, non_blocking=True)
                if self.graph is not None:
                    self.graph.replay()
                else:
                    self._enqueue()
                self._probability.copy_(self._probability_on_card, non_blocking=True)
            self._stream.synchronize()
        except RuntimeError as error:
            raise failure(self._what, error) from error
        return self._probability_BCHW

    def _bind(self, profile: int) -> None:
        context, stream = self._context, self._stream
        bound = (
            context.set_optimization_profile_async(profile, stream.cuda_stream)
            and context.set_input_shape(INPUT, tuple(self._image.shape))
            and context.set_tensor_address(INPUT, self._image_on_card.data_ptr())
            and context.set_tensor_address(OUTPUT, self._probability_on_card.data_ptr())
        )
        stream.synchronize()
        if not bound or tuple(context.get_tensor_shape(OUTPUT)) != tuple(self._probability.shape):
            raise failure(self._what, last_words(self._logger))

    def _enqueue(self) -> None:
        if not self._context.execute_async_v3(self._stream.cuda_stream):
            raise failure(self._what, last_words(self._logger))

    def _capture(self, library: Any) -> None:
        """Record the engine's launches, to be replayed as one; without it the engine runs, slower, and says so."""
        torch, stream = self._torch, self._stream
        if is_rtx(library) and not self._context.is_stream_capturable(stream.cuda_stream):
            _LOG.warning(
                "%s: runs without a CUDA graph; TensorRT says that it cannot be captured.", self._what
            )
            return
        graph = torch.cuda.CUDAGraph()
        try:
            # Thread-local: what other threads ask of CUDA meanwhile is no business of this capture.
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                self._enqueue()
        except (RuntimeError, BackendError) as error:
            _LOG.warning("%s: runs without a CUDA graph (%s).", self._what, error)
            return
        self.graph = graph


def _create_context(library: Any, engine: Any, kernels: KernelCache) -> Any:
    # Memory for the profile in use; by default a single tile would take that of the largest batch.
    memory = library.ExecutionContextAllocationStrategy.ON_PROFILE_CHANGE
    if not is_rtx(library):
        return engine.create_execution_context(memory)
    config = engine.create_runtime_config()
    config.set_execution_context_allocation_strategy(memory)
    # Profiles are of fixed shape: compile their kernels now, not behind the first frames' backs. The graph is
    # ours, not the library's, so that it can be seen.
    config.dynamic_shapes_kernel_specialization_strategy = (
        library.DynamicShapesKernelSpecializationStrategy.EAGER
    )
    config.cuda_graph_strategy = library.CudaGraphStrategy.DISABLED
    kernels.attach(config)
    return engine.create_execution_context(config)
