"""The training loop: steps, average, checkpoints, log."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch

from engine.network import NetworkConfiguration
from engine.network.crystal_network import CrystalNetwork
from train import checkpoint, progress_log
from train.average import follow
from train.checkpoint import Checkpoint
from train.loss import Loss, loss_of
from train.progress_log import Progress
from train.schedule import learning_rate, progress_of
from train.stream import batches

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from train.configuration import OptimiserConfiguration, TrainingConfiguration

CHECKPOINT_NAME = "checkpoint.pt"
LOG_NAME = "log.csv"
CONFIGURATION_NAME = "configuration.json"


@dataclass(frozen=True)
class Allowance:
    """What a process may use for a run."""

    minutes: float | None = None
    """Time, min; the learning rate has decayed by its end. None: no limit."""
    threads: int = 2
    """Threads of the network's arithmetic."""
    workers: int = 1
    """Processes that make crops; 0: none but this one."""
    log_every: int = 50
    """Steps between rows of the log."""
    save_every: int = 100
    """Steps between checkpoints."""


def new_network(configuration: TrainingConfiguration) -> CrystalNetwork:
    """The network of a configuration, its weights drawn by the configuration's seed."""
    torch.manual_seed(configuration.seed)
    return CrystalNetwork(NetworkConfiguration(width=configuration.width))


def train(
    configuration: TrainingConfiguration,
    data: Path | None,
    out: Path,
    allowance: Allowance,
    start: Checkpoint | None = None,
) -> Checkpoint:
    """Train to the last step or the end of the time; give the state reached, which is saved in `out`.

    `start` is a checkpoint to go on from: its weights, average, optimiser and step; what is trained from
    there on is `configuration`.
    """
    torch.set_num_threads(allowance.threads)
    out.mkdir(parents=True, exist_ok=True)
    (out / CONFIGURATION_NAME).write_text(configuration.model_dump_json(indent=2) + "\n", encoding="utf-8")
    network = new_network(configuration).to(memory_format=torch.channels_last)
    average = copy.deepcopy(network)
    optimiser = _optimiser(network, configuration.optimiser)
    step = 0
    if start is not None:
        network.load_state_dict(start.network)
        average.load_state_dict(start.average)
        optimiser.load_state_dict(start.optimiser)
        step = start.step

    def state() -> Checkpoint:
        return Checkpoint(
            configuration, step, network.state_dict(), average.state_dict(), optimiser.state_dict()
        )

    begun_s, begun = time.monotonic(), step / configuration.steps
    losses: list[Loss] = []
    for images_BCHW, targets_BCHW in batches(configuration, data, step, allowance.workers):
        elapsed_s = time.monotonic() - begun_s
        used = elapsed_s / (60 * allowance.minutes) if allowance.minutes else 0.0
        if used >= 1:
            break
        rate = learning_rate(
            progress_of(step, configuration.steps, begun, used), step, configuration.optimiser
        )
        for group in optimiser.param_groups:
            group["lr"] = rate
        losses.append(_step(network, optimiser, images_BCHW, targets_BCHW, configuration))
        follow(average, network, step, configuration.optimiser.average_decay)
        step += 1
        if step % allowance.log_every == 0 or step == configuration.steps:
            progress_log.append(out / LOG_NAME, _progress(step, elapsed_s, rate, losses))
            losses = []
        if step % allowance.save_every == 0:
            checkpoint.save(state(), out / CHECKPOINT_NAME)
    checkpoint.save(state(), out / CHECKPOINT_NAME)
    return state()


def _optimiser(network: CrystalNetwork, settings: OptimiserConfiguration) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        network.parameters(),
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        weight_decay=settings.weight_decay,
    )


def _step(
    network: CrystalNetwork,
    optimiser: torch.optim.Optimizer,
    images_BCHW: torch.Tensor,
    targets_BCHW: torch.Tensor,
    configuration: TrainingConfiguration,
) -> Loss:
    network.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=configuration.half_precision):
        logits_BCHW = network(images_BCHW.to(memory_format=torch.channels_last))
    loss = loss_of(logits_BCHW, targets_BCHW, configuration.loss)
    optimiser.zero_grad()
    loss.total.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    torch.nn.utils.clip_grad_norm_(network.parameters(), configuration.optimiser.gradient_norm)
    optimiser.step()
    return loss


def _progress(step: int, elapsed_s: float, rate: float, losses: Iterable[Loss]) -> Progress:
    rows = [[getattr(loss, field.name).item() for field in fields(Loss)] for loss in losses]
    means = [sum(column) / len(column) for column in zip(*rows, strict=True)]
    return Progress(step, elapsed_s, rate, *means)
