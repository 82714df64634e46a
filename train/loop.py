"""The training loop: steps, average, looks at the validation part, checkpoints, logs."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from train import checkpoint, networks, progress_log
from train.average import follow
from train.checkpoint import Best, Checkpoint
from train.errors import TrainingError
from train.half_mish import use_half_mish
from train.schedule import learning_rate, progress_of
from train.stream import batches

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from train.batch import Batch
    from train.configuration import OptimiserConfiguration, TrainingConfiguration
    from train.networks import Trainee
    from train.stream import CropSource

CHECKPOINT_NAME = "checkpoint.pt"
LOG_NAME = "log.csv"
VALIDATION_NAME = "validation.csv"
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


class Validate(Protocol):
    """A look at the validation part."""

    def __call__(self, trainee: Trainee) -> float:
        """How good a network is; more is better. It is in evaluation mode, and a function of the weights alone."""


class Teacher(Protocol):
    """What a network is distilled from."""

    def targets(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        """Calibrated probabilities (B, 2, H, W) of crystal and contact, without a gradient."""


def train(
    configuration: TrainingConfiguration,
    source: CropSource,
    out: Path,
    allowance: Allowance,
    start: Checkpoint | None = None,
    validate: Validate | None = None,
    teacher: Teacher | None = None,
) -> Checkpoint:
    """Train to the last step, early stopping or the end of the time; give the state reached, saved in `out`.

    `start` is a checkpoint of the run to go on from; what is trained from there on is `configuration`. On one
    thread and without a time allowance the result is, bit for bit, that of a run that never stopped. Raises
    `TrainingError` where the configuration asks for looks that nobody takes, or `start` is of another network.
    """
    if (validate is None) != (configuration.stopping.every_steps == 0):
        raise TrainingError(
            "looks at a validation part need both a part and `stopping.every_steps`: give both or none"
        )
    if (teacher is None) != (configuration.teacher_share == 0):
        raise TrainingError("distillation needs both a teacher and `teacher_share`: give both or none")
    torch.set_num_threads(allowance.threads)
    out.mkdir(parents=True, exist_ok=True)
    (out / CONFIGURATION_NAME).write_text(configuration.model_dump_json(indent=2) + "\n", encoding="utf-8")
    run = Run(configuration, start, teacher)
    for log in (LOG_NAME, VALIDATION_NAME):
        progress_log.truncate(out / log, run.step)
    begun_s, begun = time.monotonic(), run.step / configuration.steps
    losses: list[dict[str, torch.Tensor]] = []
    for batch in batches(configuration, source, run.step, allowance.workers) if not run.ended else ():
        elapsed_s = time.monotonic() - begun_s
        used = elapsed_s / (60 * allowance.minutes) if allowance.minutes else 0.0
        if used >= 1:
            break
        rate = learning_rate(
            progress_of(run.step, configuration.steps, begun, used), run.step, configuration.optimiser
        )
        losses.append(run.take_step(batch, rate))
        if run.step % allowance.log_every == 0 or run.step == configuration.steps:
            row = {"step": run.step, "elapsed_s": elapsed_s, "learning_rate": rate}
            progress_log.append(out / LOG_NAME, row | progress_log.means(losses))
            losses = []
        if validate is not None and run.is_look_due():
            value = run.look(validate)
            progress_log.append(out / VALIDATION_NAME, {"step": run.step, "value": value})
        if run.step % allowance.save_every == 0:
            checkpoint.save(run.state(), out / CHECKPOINT_NAME)
        if run.ended:
            break
    checkpoint.save(run.state(), out / CHECKPOINT_NAME)
    return run.state()


class Run:
    """What changes in a run from step to step."""

    def __init__(
        self, configuration: TrainingConfiguration, start: Checkpoint | None, teacher: Teacher | None
    ) -> None:
        """Begin a run, or go on from a checkpoint of it; raises `TrainingError` if that is of another network."""
        self._configuration, self._teacher = configuration, teacher
        self._trainee = networks.build(configuration.network, configuration.width, configuration.seed)
        self.network: nn.Module = self._trainee.module.to(memory_format=torch.channels_last)
        self._average = copy.deepcopy(self._trainee)
        self._optimiser = _optimiser(self.network, configuration.optimiser)
        if configuration.half_precision and self._trainee.half_precision:
            use_half_mish(self.network)
        self.step, self.ended = 0, False
        self._best: Best | None = None
        if start is not None:
            self._resume(start)

    def _resume(self, start: Checkpoint) -> None:
        named = (start.configuration.network, start.configuration.width)
        if named != (self._configuration.network, self._configuration.width):
            raise TrainingError(
                f"the checkpoint is of network {named[0]} at width {named[1]}, the run of "
                f"{self._configuration.network} at {self._configuration.width}: choose another folder"
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
        value = validate(self._average)
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


def _optimiser(network: nn.Module, settings: OptimiserConfiguration) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if settings.decay_of == "weights" else torch.optim.Adam
    return kind(
        network.parameters(),
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        weight_decay=0.0 if settings.decay_of == "learning_rate" else settings.weight_decay,
    )
