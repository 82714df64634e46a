"""What a row starts from: the weights that the plan's pre-training made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train import checkpoint
from train.comparison.plan import THRESHOLDING, Job
from train.comparison.result import path_of, plan_sha256, read_result
from train.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from train.comparison.plan import Plan
    from train.comparison.result import JobResult

    StartOf = Callable[[Job], checkpoint.Checkpoint | None]

KEPT_NAME = "weights.pt"
"""What was trained, in a job's folder: pre-training and growth can be asked for later."""


def folder_of(work: Path, plan: Plan, job: Job) -> Path:
    """Folder of a job under way, and of the weights that it leaves."""
    return work / plan.data / job.name


def from_scratch(job: Job) -> checkpoint.Checkpoint | None:
    """Random weights for every job."""
    return None


def pretrained_weights(plan: Plan, job: Job, work: Path, results: Path) -> checkpoint.Checkpoint | None:
    """What `job` starts from; None: random weights.

    They are the kept weights of the same row and seed in the plan's pre-training, in `work`. Raises `TrainingError`
    where there are none, or where they are not those of the pre-training's result in `results`.
    """
    first = _before(plan, job)
    if plan.pretraining is None or first is None:
        return None
    path, result_path = (
        folder_of(work, plan.pretraining, first) / KEPT_NAME,
        path_of(results, plan.pretraining, first),
    )
    if not path.exists() or not result_path.exists():
        raise TrainingError(_missing(plan.pretraining, [first], work, results))
    kept, result = checkpoint.load(path), _result_before(plan.pretraining, first, results)
    if checkpoint.weights_sha256(kept.kept) != result.weights_sha256:
        raise TrainingError(
            f"{path} is not what {result_path} tells of: delete both, then "
            f"{_command(plan.pretraining, [first], work, results)}"
        )
    return kept


def check_pretrained(plan: Plan, jobs: Sequence[Job], work: Path, results: Path) -> None:
    """Raise `TrainingError` where some of `jobs` have nothing to start from: better now than in hours.

    It names all of them at once. Of the row's seed, and of that of the trials.
    """
    before = plan.pretraining
    if before is None:
        return
    tried = [Job(job.variant, 0, plan.trial_seed) for job in jobs if job.variant.optimiser is None]
    firsts = {first.name: first for job in (*jobs, *tried) if (first := _before(plan, job)) is not None}
    missing = [
        first
        for first in firsts.values()
        if not (folder_of(work, before, first) / KEPT_NAME).exists()
        or not path_of(results, before, first).exists()
    ]
    if missing:
        raise TrainingError(_missing(before, missing, work, results))
    for first in firsts.values():
        pretrained_weights(plan, first, work, results)


def check_start(plan: Plan, job: Job, done: JobResult, results: Path) -> None:
    """Raise `TrainingError` where a result started from weights that its pre-training's result no longer tells of."""
    first = _before(plan, job)
    if plan.pretraining is None or first is None or not path_of(results, plan.pretraining, first).exists():
        return
    if done.started_from_sha256 != _result_before(plan.pretraining, first, results).weights_sha256:
        raise TrainingError(
            f"{path_of(results, plan, job)} started from other weights than those of the present result of "
            f"{plan.pretraining.data} {first.name}: delete it and compare again"
        )


def _before(plan: Plan, job: Job) -> Job | None:
    """The job of the plan's pre-training whose weights `job` starts from; None: it starts from random ones."""
    if plan.pretraining is None or not job.variant.pretrained or job.variant.network == THRESHOLDING:
        return None
    return Job(job.variant, 0, job.seed)


def _result_before(before: Plan, first: Job, results: Path) -> JobResult:
    path = path_of(results, before, first)
    result = read_result(path)
    if result.plan_sha256 != plan_sha256(before, first.variant):
        raise TrainingError(
            f"{path} was made by another plan: delete it, then run `python -m train compare {before.data}` again"
        )
    return result


def _missing(before: Plan, missing: Sequence[Job], work: Path, results: Path) -> str:
    told = ", ".join(first.name for first in missing[:3]) + (" and others" if len(missing) > 3 else "")
    return (
        f"{len(missing)} of the weights to start from, trained on {before.data}, are not in {work} with their results "
        f"in {results} ({told}): {_command(before, missing, work, results)}"
    )


def _command(before: Plan, firsts: Sequence[Job], work: Path, results: Path) -> str:
    seeds, rows = (_once(values) for values in ((f.seed for f in firsts), (f.variant.name for f in firsts)))
    return (
        f"run `python -m train compare {before.data} --work {work} --results {results} --seeds {seeds} "
        f"--only {rows}` first"
    )


def _once(values: Iterable[object]) -> str:
    return " ".join(dict.fromkeys(str(value) for value in values))
