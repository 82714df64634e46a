"""What a row starts from: the weights that the plan's pre-training made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train import checkpoint
from train.comparison.plan import THRESHOLDING, Job
from train.comparison.result import path_of, plan_sha256, read_result
from train.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from train.comparison.plan import Plan

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
    before = plan.pretraining
    if before is None or not job.variant.pretrained or job.variant.network == THRESHOLDING:
        return None
    first = Job(job.variant, 0, job.seed)
    path, result_path = folder_of(work, before, first) / KEPT_NAME, path_of(results, before, first)
    command = f"compare {before.data} --work {work} --results {results} --seeds {job.seed}"
    remedy = f"run `python -m train {command} --only {job.variant.name}` first"
    if not path.exists() or not result_path.exists():
        raise TrainingError(
            f"{job.name} starts from weights trained on {before.data}, and {path} is not there: {remedy}"
        )
    kept, result = checkpoint.load(path), read_result(result_path)
    if result.plan_sha256 != plan_sha256(before, job.variant):
        raise TrainingError(f"{result_path} was made by another plan: delete it, then {remedy}")
    if (kept.configuration, kept.step) != (result.training, result.kept_step):
        raise TrainingError(f"{path} is not what {result_path} tells of: delete both, then {remedy}")
    return kept


def check_pretrained(plan: Plan, jobs: Sequence[Job], work: Path, results: Path) -> None:
    """Raise `TrainingError` for the first of `jobs` that has nothing to start from: better now than in hours."""
    for job in jobs:
        for seed in (job.seed, plan.seeds[0]):  # the learning rate is tried with the first
            pretrained_weights(plan, Job(job.variant, job.fold, seed), work, results)
