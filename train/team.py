"""Processes that train one network together, as `torchrun` starts them: each learns from its share of a batch.

Gradients are averaged by torch's DistributedDataParallel over gloo. Whatever else is taken over a whole batch (the
statistics of batch normalisation, the sums of the Dice term) is summed over the processes, too, so that a step is the
step that one process takes with the whole batch, but for the order in which numbers are added.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from train.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


def processes() -> int:
    """How many processes `torchrun` has started, this one among them; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@dataclass(frozen=True)
class Team:
    """The processes of a run, seen from one of them."""

    rank: int = 0
    """Number of this process, from 0."""
    size: int = 1
    """How many there are."""

    @property
    def leads(self) -> bool:
        """Whether this process writes, looks at the validation part and tells of it; one does."""
        return self.rank == 0

    def share_of(self, batch: int) -> int:
        """Crops that each process makes of a batch; raises `TrainingError` where they cannot be dealt evenly."""
        if batch % self.size:
            raise TrainingError(
                f"a batch of {batch} crops cannot be dealt evenly to {self.size} processes: start another number"
            )
        return batch // self.size

    def agreed(self, value: float) -> float:
        """The value that the first process has, for all."""
        if self.size == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(told, 0)
        return float(told.item())

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """Each value's mean over the processes; all have the same names."""
        if self.size == 1:
            return values
        told = torch.tensor(list(values.values()), dtype=torch.float64)
        distributed.all_reduce(told)
        return dict(zip(values, (told / self.size).tolist(), strict=True))

    def with_whole_batch_statistics(self, network: nn.Module) -> nn.Module:
        """Let batch normalisation see the whole batch; weights and their names stay as they are."""
        if self.size > 1:
            for module in list(network.modules()):
                for name, child in list(module.named_children()):
                    if type(child) is nn.BatchNorm2d:
                        setattr(module, name, _WholeBatchNorm.like(child))
        return network

    def joined(self, network: nn.Module) -> nn.Module:
        """The network with its gradients averaged over the processes; the parameters are those of `network`."""
        if self.size == 1:
            return network
        return DistributedDataParallel(network, broadcast_buffers=False)

    def apart(self, network: nn.Module) -> AbstractContextManager[None]:
        """While no gradient of the parameters is wanted: `network` as `joined` gave it is not averaged."""
        return network.no_sync() if isinstance(network, DistributedDataParallel) else nullcontext()


ALONE = Team()


@contextmanager
def team() -> Iterator[Team]:
    """The team that `torchrun` has started, or a team of one."""
    if processes() == 1:
        yield ALONE
        return
    distributed.init_process_group("gloo")
    try:
        yield Team(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


def summed(tensor: torch.Tensor) -> torch.Tensor:
    """Sum over the processes, through which gradients flow; alone: the tensor itself."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return tensor
    result: torch.Tensor = _Sum.apply(tensor)
    return result


class _Sum(torch.autograd.Function):
    """Each process has the sum, so each one's gradient of it counts."""

    @staticmethod
    def forward(context: Any, tensor: torch.Tensor) -> torch.Tensor:
        del context
        total = tensor.detach().clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> torch.Tensor:
        del context
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


class _WholeBatchNorm(nn.BatchNorm2d):
    """Batch normalisation with the statistics of all processes' crops; torch's own does that on a card alone."""

    @classmethod
    def like(cls, norm: nn.BatchNorm2d) -> _WholeBatchNorm:
        """With the weights and settings of another."""
        made = cls(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
        made.load_state_dict(norm.state_dict())
        return made

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch names it so
        """Normalise (B, C, H, W)."""
        if not self.training:
            return super().forward(input)
        x_BCHW = input.float()
        count = x_BCHW.shape[0] * x_BCHW.shape[2] * x_BCHW.shape[3] * distributed.get_world_size()
        mean_C = summed(x_BCHW.sum((0, 2, 3))) / count
        apart_BCHW = x_BCHW - mean_C[:, None, None]
        variance_C = summed((apart_BCHW * apart_BCHW).sum((0, 2, 3))) / count
        if self.running_mean is not None and self.running_var is not None:
            momentum = self.momentum or 0.0
            with torch.no_grad():
                self.running_mean.lerp_(mean_C, momentum)
                self.running_var.lerp_(variance_C * count / max(count - 1, 1), momentum)
                if self.num_batches_tracked is not None:
                    self.num_batches_tracked += 1
        # written out: torch's function lets no gradient through statistics that it is given
        scale_C = self.weight * torch.rsqrt(variance_C + self.eps)
        return (apart_BCHW * scale_C[:, None, None] + self.bias[:, None, None]).to(input.dtype)
