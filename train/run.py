"""What changes in a run from step to step."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Protocol

import torch

from train import networks
from train.average import follow
from train.checkpoint import Best, Checkpoint
from train.errors import TrainingError
from train.half_mish import use_half_mish
from train.networks.trainee import DenseTrainee
from train.team import ALONE, Team

if TYPE_CHECKING:
    from torch import nn

    from train.batch import Batch
    from train.configuration import OptimiserConfiguration, TrainingConfiguration
    from train.networks import Trainee


class Validate(Protocol):
    """A look at the validation part."""

    def __call__(self, trainee: Trainee) -> float:
        """How good a network is; more is better. It is in evaluation mode, and a function of the weights alone."""


class Teacher(Protocol):
    """What a network is distilled from."""

    def targets(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        """Calibrated probabilities (B, 2, H, W) of crystal and contact, without a gradient."""


class Run:
    """What changes in a run from step to step."""

    def __init__(
        self,
        configuration: TrainingConfiguration,
        start: Checkpoint | None,
        teacher: Teacher | None,
        team: Team = ALONE,
    ) -> None:
        """Begin a run, or go on from a checkpoint of it; raises `TrainingError` if that is of another network."""
        self._configuration, self._teacher, self._team = configuration, teacher, team
        self._trainee = networks.build_configured(configuration)
        if team.size > 1 and not isinstance(self._trainee, DenseTrainee):
            raise TrainingError(f"{configuration.network} cannot be trained by several processes: start one")
        team.with_whole_batch_statistics(self._trainee.module)
        self.network: nn.Module = self._trainee.module.to(memory_format=torch.channels_last)
        self._average = copy.deepcopy(self._trainee)
        self._optimiser = _optimiser(self.network, configuration.optimiser)
        if configuration.half_precision and self._trainee.half_precision:
            use_half_mish(self.network)
        self._trainee.module = team.joined(self.network)
        self.step, self.ended = 0, False
        self._best: Best | None = None
        if start is not None:
            self._resume(start)

    def _resume(self, start: Checkpoint) -> None:
        named, wanted = start.configuration.network_in_words, self._configuration.network_in_words
        if named != wanted:
            raise TrainingError(
                f"the checkpoint is of network {named}, the run of {wanted}: choose another folder"
            )
        self.network.load_state_dict(start.network)
        self._average.module.load_state_dict(start.average)
        if start.optimiser is not None:
            self._optimiser.load_state_dict(start.optimiser)
        self.step, self._best = start.step, start.best
        self.ended = start.step >= self._configuration.steps or self._is_out_of_patience()

    def state(self) -> Checkpoint:
        """What is needed to go on from here; its tensors are those that the next step changes."""
        return Checkpoint(
            self._configuration,
            self.step,
            self.network.state_dict(),
            self._average.module.state_dict(),
            self._optimiser.state_dict(),
            self._best,
            self.ended,
        )

    def take_step(self, batch: Batch, rate: float) -> dict[str, torch.Tensor]:
        """Learn from a batch at a learning rate; give the losses before it, as scalars by name."""
        configuration = self._configuration
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        # what a network draws in a step (drop-out, sampled regions) depends on the step alone
        torch.manual_seed(1_000_003 * (configuration.seed + 1) + self.step)
        self.network.train()
        if configuration.frozen_statistics:
            _freeze_statistics(self.network)
        self._optimiser.zero_grad()
        if self._teacher is not None:
            share = configuration.teacher_share
            taught_BCHW = self._teacher.targets(batch.images_BCHW)
            batch = batch._replace(targets_BCHW=batch.targets_BCHW.lerp(taught_BCHW, share))
        losses = self._losses(batch)
        losses["loss"].backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        if configuration.adversarial_levels > 0:
            self._losses(self._against(batch))["loss"].backward()  # type: ignore[no-untyped-call]  # the same
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), configuration.optimiser.gradient_norm)
        self._optimiser.step()
        follow(self._average.module, self.network, self.step, configuration.optimiser.average_decay)
        self.step += 1
        self.ended = self.step >= configuration.steps
        return {name: value.detach() for name, value in losses.items()}

    def _losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        half = self._configuration.half_precision and self._trainee.half_precision
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            return self._trainee.losses(batch, self._configuration.loss)

    def _against(self, batch: Batch) -> Batch:
        """The batch with its images moved one step up the loss (fast gradient sign)."""
        images_BCHW = batch.images_BCHW.clone().requires_grad_()
        with self._team.apart(self._trainee.module):
            loss = self._losses(batch._replace(images_BCHW=images_BCHW))["loss"]
        (slope_BCHW,) = torch.autograd.grad(loss, images_BCHW)
        moved_BCHW = images_BCHW.detach() + self._configuration.adversarial_levels * slope_BCHW.sign()
        return batch._replace(images_BCHW=moved_BCHW)

    def is_look_due(self) -> bool:
        """Whether the validation part is to be looked at after this step."""
        every = self._configuration.stopping.every_steps
        return self.step % every == 0 or self.step == self._configuration.steps

    def look(self, validate: Validate) -> float:
        """Look at the validation part, keep the average if it is the best so far, give its value."""
        self._average.module.eval()
        value = self._team.agreed(validate(self._average) if self._team.leads else 0.0)
        if self._best is None or value > self._best.value:
            weights = {name: tensor.clone() for name, tensor in self._average.module.state_dict().items()}
            self._best = Best(value, self.step, 0, weights)
        else:
            self._best = Best(
                self._best.value, self._best.step, self._best.looks_since + 1, self._best.average
            )
        self.ended = self.ended or self._is_out_of_patience()
        return value

    def _is_out_of_patience(self) -> bool:
        patience = self._configuration.stopping.patience
        return patience > 0 and self._best is not None and self._best.looks_since >= patience


def _freeze_statistics(network: nn.Module) -> None:
    """Let batch normalisation use what it has learned of means and variances, and leave that as it is."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()


def _optimiser(network: nn.Module, settings: OptimiserConfiguration) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if settings.decay_of == "weights" else torch.optim.Adam
    return kind(
        network.parameters(),
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        weight_decay=0.0 if settings.decay_of == "learning_rate" else settings.weight_decay,
    )
