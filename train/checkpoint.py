"""A checkpoint: everything that a run needs to go on as if it had never stopped."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pickle import UnpicklingError  # nosec B403  # the error alone; nothing is unpickled without weights_only
from typing import TYPE_CHECKING, Any

import torch

from train.configuration import TrainingConfiguration
from train.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Best:
    """The weights that did best on the validation part so far.

    Attributes:
        value: what they reached (more is better).
        step: steps done then.
        looks_since: looks since then, none of them better.
        average: their state dictionary.
    """

    value: float
    step: int
    looks_since: int
    average: dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """State at the end of a step.

    Attributes:
        configuration: of the run.
        step: steps done.
        network, average: state dictionaries of the network and of its moving average.
        optimiser: state of the optimiser; None: it has none yet (a start from pre-trained weights).
        best: what did best on the validation part; None: it was never looked at.
        ended: whether the run is over (last step, or early stopping).
    """

    configuration: TrainingConfiguration
    step: int
    network: dict[str, Any]
    average: dict[str, Any]
    optimiser: dict[str, Any] | None
    best: Best | None = None
    ended: bool = False

    @property
    def kept(self) -> dict[str, Any]:
        """The weights that the run is for: the best ones if it was looked at, else the last average."""
        return self.best.average if self.best is not None else self.average


def weights_sha256(weights: dict[str, Any]) -> str:
    """Hash of a state dictionary: names, types, shapes and bytes of its tensors, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


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
            "best": None if checkpoint.best is None else asdict(checkpoint.best),
            "ended": checkpoint.ended,
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
        best = content.get("best")
        return Checkpoint(
            TrainingConfiguration.model_validate(content["configuration"]),
            int(content["step"]),
            content["network"],
            content["average"],
            content["optimiser"],
            None if best is None else Best(**best),
            bool(content.get("ended", False)),
        )
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,
        EOFError,
        UnpicklingError,
    ) as error:
        raise TrainingError(f"{path} is no checkpoint of this version: {error}") from error
