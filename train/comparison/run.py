"""All jobs of a comparison, one after the other; what is done stays done."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from train.comparison.job import holds_weights, run_job, with_growth
from train.comparison.pretrained import KEPT_NAME, check_start, folder_of, pretrained_weights
from train.comparison.result import path_of, plan_sha256, read_result, write_result
from train.errors import TrainingError
from train.watching import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from train.checkpoint import Checkpoint
    from train.comparison.frames import ComparisonSet
    from train.comparison.plan import Job, Plan
    from train.loop import Allowance


def pending(
    plan: Plan, folds: int, results: Path, only: Sequence[str] | None = None, growth: bool = False
) -> list[Job]:
    """Jobs without a result (with `growth`: and those whose result has none of it), in order; `only` names rows to do.

    Raises `TrainingError` for a row that is not in the plan, and for results of another plan or another start: rows
    of a table that were made in different ways are no comparison.
    """
    names = [variant.name for variant in plan.variants]
    if unknown := sorted(set(only or ()) - set(names)):
        raise TrainingError(f"no row is named {', '.join(unknown)}: choose from {', '.join(names)}")
    left = []
    for job in plan.jobs(folds):
        path = path_of(results, plan, job)
        done = read_result(path) if path.exists() else None
        if done is not None and done.plan_sha256 != plan_sha256(plan, job.variant):
            raise TrainingError(
                f"{path} was made by another plan: delete it, or give another folder for results"
            )
        if done is not None:
            check_start(plan, job, done, results)
        complete = done is not None and not (growth and done.growth is None)
        if not complete and (only is None or job.variant.name in only):
            left.append(job)
    return left


def run_all(
    plan: Plan,
    frames: ComparisonSet,
    jobs: Sequence[Job],
    work: Path,
    results: Path,
    allowance: Allowance,
    minutes: float | None = None,
    say: Callable[[str], None] = print,
    growth: bool = False,
) -> int:
    """Do jobs until all are done or the time is over, which is looked at between jobs; give the number done.

    With `growth` each row also follows simulated runs; a job that has a result lacks that alone: where its weights are
    kept in `work`, they follow, else the whole job is done again.
    """
    begun_s = time.monotonic()

    def start_of(one: Job) -> Checkpoint | None:
        return pretrained_weights(plan, one, work, results)

    for number, job in enumerate(jobs):
        if minutes is not None and time.monotonic() - begun_s > 60 * minutes:
            say(f"the time is over: {number} of {len(jobs)} jobs done; the same command goes on")
            return number
        folder = folder_of(work, plan, job)
        path = path_of(results, plan, job)
        done = read_result(path) if path.exists() else None
        if done is not None and holds_weights(done, folder):
            result = with_growth(plan, done, folder)
        else:
            result = run_job(plan, job, frames, folder, allowance, growth, start_of)
        write_result(result, path)
        _clear(folder)
        iou = result.scores.pixels.iou
        shown = "none" if iou is None else f"{iou:.4f}"
        left_s = (time.monotonic() - begun_s) / (number + 1) * (len(jobs) - number - 1)
        so_far = f"{number + 1}/{len(jobs)} {plan.data} {job.name}"
        say(f"{so_far}: IoU {shown}, {result.seconds:.0f} s; about {duration(left_s)} left")
    return len(jobs)


def to_train(plan: Plan, jobs: Sequence[Job], work: Path, results: Path) -> list[Job]:
    """Those of `jobs` that have to be trained: not those that have a result and lack growth alone."""
    left = []
    for job in jobs:
        path = path_of(results, plan, job)
        if not path.exists() or not holds_weights(read_result(path), folder_of(work, plan, job)):
            left.append(job)
    return left


def _clear(folder: Path) -> None:
    """Delete what a job needed while it was under way; the weights stay."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != KEPT_NAME:
            path.unlink()
