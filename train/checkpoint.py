"""A checkpoint: everything that a run needs to go on as if it had never stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from train.configuration import TrainingConfiguration
from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Checkpoint:
    """State at the end of a step.

    Attributes:
        configuration: of the run.
        step: steps done.
        network, average: state dictionaries of the network and of its moving average.
        optimiser: state of the optimiser.
    """

    configuration: TrainingConfiguration
    step: int
    network: dict[str, Any]
    average: dict[str, Any]
    optimiser: dict[str, Any]


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write whole or not at all: a kill leaves the last checkpoint."""
    beside = path.with_suffix(".part")
    torch.save(
        {
            "configuration": checkpoint.configuration.model_dump(),
            "step": checkpoint.step,
            "network": checkpoint.network,
            "average": checkpoint.average,
            "optimiser": checkpoint.optimiser,
        },
        beside,
    )
    beside.replace(path)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint (tensors and plain values alone, no code); `TrainingError` if it is none."""
    if not path.is_file():
        raise TrainingError(f"no checkpoint at {path}: train first, or give the path of one")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        return Checkpoint(
            TrainingConfiguration.model_validate(content["configuration"]),
            int(content["step"]),
            content["network"],
            content["average"],
            content["optimiser"],
        )
    except (KeyError, TypeError, ValueError, RuntimeError, EOFError) as error:
        raise TrainingError(f"{path} is no checkpoint of this version: {error}") from error
