"""The training loop: steps, average, looks at the validation part, checkpoints, logs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from train import checkpoint, interruption, progress_log
from train.errors import TrainingError
from train.run import Run
from train.schedule import learning_rate, progress_of
from train.stream import batches
from train.team import ALONE, Team

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from train.checkpoint import Checkpoint
    from train.configuration import TrainingConfiguration
    from train.run import Teacher, Validate
    from train.stream import CropSource
    from train.watching import Watcher

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


def train(
    configuration: TrainingConfiguration,
    source: CropSource,
    out: Path,
    allowance: Allowance,
    start: Checkpoint | None = None,
    validate: Validate | None = None,
    teacher: Teacher | None = None,
    watchers: Sequence[Watcher] = (),
    team: Team = ALONE,
) -> Checkpoint:
    """Train to the last step, early stopping or the end of the time; give the state reached, saved in `out`.

    `start` is a checkpoint of the run to go on from; what is trained from there on is `configuration`. On one
    thread and without a time allowance the result is, bit for bit, that of a run that never stopped. `watchers` are
    told what is logged. Of a team, each process calls this with the same arguments, and the one that leads writes.
    At Ctrl-C or SIGTERM the step is ended and its state saved, then `KeyboardInterrupt` is raised (`Terminated`).
    Raises `TrainingError` where the configuration asks for looks that nobody takes, or `start` is of another network.
    """
    if (validate is None) != (configuration.stopping.every_steps == 0):
        raise TrainingError(
            "looks at a validation part need both a part and `stopping.every_steps`: give both or none"
        )
    if (teacher is None) != (configuration.teacher_share == 0):
        raise TrainingError("distillation needs both a teacher and `teacher_share`: give both or none")
    torch.set_num_threads(allowance.threads)
    run = Run(configuration, start, teacher, team)
    log = _Log(out, watchers if team.leads else (), team)
    log.begin(configuration, run.step)
    begun_s, begun = time.monotonic(), run.step / configuration.steps
    losses: list[dict[str, torch.Tensor]] = []
    with interruption.noted() as asked:
        for batch in (
            batches(configuration, source, run.step, allowance.workers, team) if not run.ended else ()
        ):
            elapsed_s = time.monotonic() - begun_s
            used = team.agreed(elapsed_s / (60 * allowance.minutes)) if allowance.minutes else 0.0
            if used >= 1 or team.agreed(float(asked.asked)):
                break
            along = progress_of(run.step, configuration.steps, begun, used)
            rate = learning_rate(along, run.step, configuration.optimiser)
            losses.append(run.take_step(batch, rate))
            if run.step % allowance.log_every == 0 or run.step == configuration.steps:
                log.row({"step": run.step, "elapsed_s": elapsed_s, "learning_rate": rate}, losses)
                losses = []
            if validate is not None and run.is_look_due():
                log.look(run.step, run.look(validate))
            if run.step % allowance.save_every == 0:
                log.save(run.state())
            if run.ended:
                break
        log.save(run.state())
        log.end()
    asked.heed()
    return run.state()


class _Log:
    """What a run leaves in its folder, written by the process that leads; the others keep in step."""

    def __init__(self, out: Path, watchers: Sequence[Watcher], team: Team) -> None:
        self._out, self._watchers, self._team = out, watchers, team

    def begin(self, configuration: TrainingConfiguration, step: int) -> None:
        if self._team.leads:
            self._out.mkdir(parents=True, exist_ok=True)
            text = configuration.model_dump_json(indent=2) + "\n"
            (self._out / CONFIGURATION_NAME).write_text(text, encoding="utf-8")
            for name in (LOG_NAME, VALIDATION_NAME):
                progress_log.truncate(self._out / name, step)
        for watcher in self._watchers:
            watcher.begin(step, configuration.steps)

    def row(self, row: dict[str, float], losses: Sequence[dict[str, torch.Tensor]]) -> None:
        row |= self._team.mean(progress_log.means(losses))
        if self._team.leads:
            progress_log.append(self._out / LOG_NAME, row)
        for watcher in self._watchers:
            watcher.row(row)

    def look(self, step: int, value: float) -> None:
        if self._team.leads:
            progress_log.append(self._out / VALIDATION_NAME, {"step": step, "value": value})
        for watcher in self._watchers:
            watcher.look(step, value)

    def save(self, state: Checkpoint) -> None:
        if self._team.leads:
            checkpoint.save(state, self._out / CHECKPOINT_NAME)

    def end(self) -> None:
        for watcher in self._watchers:
            watcher.end()
