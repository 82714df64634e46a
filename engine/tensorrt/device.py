"""The card in this machine, and what its failures mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from engine.errors import BackendError, BackendMemoryError, BackendUnavailableError, DeviceLostError

_INSTALL = "Run `pip install 'crystal-monitor[rtx]'`, or name the back end openvino."
_MEMORY = re.compile(
    r"out of memory|outofmemory|could not be allocated|cudaErrorMemoryAllocation|\(cudaError 2\b",
    re.IGNORECASE,
)
_LOST = re.compile(
    # What leaves the card, or the process's context on it, unusable; after it nothing works until both are new.
    r"no CUDA-capable device|devices? (?:is|are) (?:lost|busy or unavailable)|fallen off the bus|device-side assert"
    r"|unspecified launch failure|illegal (?:memory access|instruction|address)|uncorrectable ECC|context is destroyed"
    r"|launch timed out|hardware stack error|misaligned address|driver shutting down"
    r"|CUDA driver version is insufficient"
    r"|\(cudaError (?:4|46|100|201|214|700|702|709|710|714|715|716|717|718|719|999)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Device:
    """A card of NVIDIA's."""

    index: int
    """Its number among the visible ones."""
    name: str
    """As the driver calls it."""
    capability: str
    """Compute capability, such as `8.6`."""


def find_device(torch: Any, index: int = 0) -> Device:
    """Give the card; raise BackendUnavailableError with the reason when there is none that can be used."""
    if torch.version.cuda is None:
        raise BackendUnavailableError(
            f"The installed torch {torch.__version__} was built without CUDA. {_INSTALL}"
        )
    try:
        torch.cuda.init()  # says why, where is_available only says no
        count = torch.cuda.device_count()
        if index >= count:
            raise BackendUnavailableError(
                f"There is no NVIDIA card number {index}; {count} can be seen. Look at `nvidia-smi` and at the "
                "environment variable CUDA_VISIBLE_DEVICES, or name the back end openvino."
            )
        major, minor = torch.cuda.get_device_capability(index)
        return Device(index, str(torch.cuda.get_device_name(index)), f"{major}.{minor}")
    except RuntimeError as error:
        raise BackendUnavailableError(
            f"No NVIDIA card can be used here: {_first_line(error)}. Install NVIDIA's driver (`nvidia-smi` must "
            "list the card), or name the back end openvino."
        ) from error


def failure(what: str, error: object) -> BackendError:
    """Give the error that fits what CUDA or TensorRT said: out of memory, card lost, or another."""
    text = _first_line(error)
    if _MEMORY.search(text):
        return BackendMemoryError(
            f"{what} had no memory left on the card: {text}. Close what else runs on it, or use smaller tiles."
        )
    if _LOST.search(text):
        return DeviceLostError(
            f"{what} lost the card: {text}. Look at `nvidia-smi` and the kernel's log (Xid); a process that lost its "
            "card must be started anew."
        )
    return BackendError(f"{what} failed: {text}.")


def _first_line(error: object) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(".")
