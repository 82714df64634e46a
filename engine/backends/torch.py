"""torch on the processor in float32: the reference that the other back ends are compared with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.backends.contract import logit_shifts
from engine.backends.failure import failure_of
from engine.card import ModelCard
from engine.errors import BackendError, BackendUnavailableError, WeightsMismatchError


class TorchBackend:
    """Runs the network as it was trained, from its safetensors weights."""

    def __init__(self, card: ModelCard, *, threads: int = 0) -> None:
        """Load the weights; `threads` 0 leaves torch's number as it is (it is one per process).

        Raises BackendUnavailableError without torch, WeightsMismatchError when hash, names or shapes differ.
        """
        try:
            import torch  # noqa: PLC0415 - heavy, and only this back end needs it
            from safetensors.torch import load_file  # noqa: PLC0415

            from engine.network.crystal_network import CrystalNetwork  # noqa: PLC0415
        except ImportError as error:
            raise BackendUnavailableError(
                f"The back end torch is not installed ({error}). "
                "Run `pip install 'crystal-monitor[train]'`, or name openvino."
            ) from error
        if threads > 0:
            torch.set_num_threads(threads)
        self._torch = torch
        network = CrystalNetwork(card.network)
        try:
            network.load_state_dict(load_file(card.verify(card.safetensors_path, card.safetensors_sha256)))
        except RuntimeError as error:
            raise WeightsMismatchError(
                f"The weights {card.safetensors_path} do not fit the network of their card: {error}. "
                "Release the weights anew with `python -m train release`."
            ) from error
        self._network: CrystalNetwork | None = network.eval().to(memory_format=torch.channels_last)
        self._shift = torch.tensor(logit_shifts(card.positive_weights)).view(1, -1, 1, 1)

    def describe(self) -> str:
        """Name and precision."""
        return "torch f32"

    def prepare(self, height: int, width: int) -> None:
        """Do nothing: torch compiles nothing here."""

    def infer(self, image_BCHW: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Calibrated probabilities (B, C, H, W)."""
        if self._network is None:
            raise BackendError("The back end torch was closed. Create a new one.")
        torch = self._torch
        try:
            with torch.inference_mode():
                image = torch.from_numpy(np.ascontiguousarray(image_BCHW))
                image = image.to(memory_format=torch.channels_last)
                probability = torch.sigmoid(self._network(image) - self._shift)
                result: npt.NDArray[np.float32] = probability.contiguous().numpy()
        except (RuntimeError, MemoryError) as error:
            raise failure_of(
                error,
                f"torch failed on an image {image_BCHW.shape}: {error}. "
                "Sides must be multiples of the network's stride.",
            ) from error
        return result

    def take_notices(self) -> tuple[str, ...]:
        """Nothing: it keeps no files."""
        return ()

    def close(self) -> None:
        """Drop the network."""
        self._network = None
