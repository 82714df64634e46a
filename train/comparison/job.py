"""One job of a comparison: choose the learning rate, train, test. Killed at any moment, it goes on where it was."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from train import checkpoint
from train.comparison.learning import at_rate, configuration_of, digest_of, learn, trained
from train.comparison.plan import THRESHOLDING
from train.comparison.pretrained import KEPT_NAME, from_scratch
from train.comparison.result import JobResult, plan_sha256, tally
from train.comparison.trials import chosen_rates
from train.evaluation.growth import GROWTH_SEEDS, recovered, scores_of
from train.metrics import ScoreSheet
from train.networks import matched
from train.thresholding import choose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from train.comparison.frames import ComparisonSet, LabelledFrame
    from train.comparison.plan import Job, Plan
    from train.comparison.pretrained import StartOf
    from train.evaluation.growth import GrowthScores
    from train.loop import Allowance
    from train.segmenting import Segment

GROWTH_RUNS = (("demo", GROWTH_SEEDS[0]), ("needles", GROWTH_SEEDS[0]))
"""Simulated runs, preset and seed, that a row follows where it is asked to."""


def run_job(
    plan: Plan,
    job: Job,
    frames: ComparisonSet,
    work: Path,
    allowance: Allowance,
    growth: bool = False,
    start_of: StartOf = from_scratch,
) -> JobResult:
    """Do a job in the folder `work`, or what is left of it; give its result. `start_of` gives what it starts from.

    `work` holds the checkpoint and may be deleted once the result is written; `KEPT_NAME` in it is what `with_growth`
    needs. With `growth` what was trained also follows simulated runs, which changes nothing else in the result.
    """
    begun_s = time.monotonic()
    parts = frames.parts(job.fold)
    if job.variant.network == THRESHOLDING:
        rule, _ = choose([(frame.image_HW, frame.labels_HW) for frame in parts.learned])
        sheet = tested(rule.segment, parts.test, frames.instances)
        followed = _growth(rule.segment) if growth else None
        return _result(plan, job, sheet, begun_s).model_copy(update={"threshold": rule, "growth": followed})
    trials = chosen_rates(plan, job.variant, frames, work.parent / "trials", allowance, start_of)
    best_rate = max(trials, key=lambda rate: trials[rate])
    configuration = at_rate(configuration_of(plan, job.variant, job.seed, parts), float(best_rate))
    start = start_of(job)
    state = learn(configuration, plan.thresholds, parts, work, allowance, start)
    checkpoint.save(_weights_alone(state), work / KEPT_NAME)
    segment = trained(state, plan.thresholds)
    sheet = tested(segment, parts.test, frames.instances)
    cost = matched.read().of(job.variant.network)
    learned = {
        "width": cost.width,
        "gflops": cost.gflops,
        "parameters": cost.parameters,
        "training": configuration,
        "pretrained_step": start.step if start else None,
        "started_from_sha256": digest_of(start),
        "weights_sha256": checkpoint.weights_sha256(state.kept),
        "trials": trials,
        "steps": state.step,
        "kept_step": state.best.step if state.best else state.step,
        "validation_iou": state.best.value if state.best else None,
        "growth": _growth(segment) if growth else None,
    }
    return _result(plan, job, sheet, begun_s).model_copy(update=learned)


def holds_weights(result: JobResult, work: Path) -> bool:
    """Whether the folder `work` holds the weights that a result tells of, or it needs none."""
    path = work / KEPT_NAME
    if result.threshold is not None:
        return True
    return path.exists() and checkpoint.weights_sha256(checkpoint.load(path).kept) == result.weights_sha256


def with_growth(plan: Plan, result: JobResult, work: Path) -> JobResult:
    """A result with growth added to it, by the weights in the folder `work`: ask `holds_weights` first."""
    rule = result.threshold
    segment = rule.segment if rule else trained(checkpoint.load(work / KEPT_NAME), plan.thresholds)
    return result.model_copy(update={"growth": _growth(segment)})


def tested(segment: Segment, frames: Sequence[LabelledFrame], instances: bool) -> ScoreSheet:
    """A sheet with every frame on it."""
    sheet = ScoreSheet(instances)
    for frame in frames:
        sheet.add(frame.name, segment(frame.image_HW), frame.labels_HW)
    return sheet


def _weights_alone(state: checkpoint.Checkpoint) -> checkpoint.Checkpoint:
    step = state.best.step if state.best else state.step
    return checkpoint.Checkpoint(state.configuration, step, {}, state.kept, None)


def _growth(segment: Segment) -> GrowthScores:
    return scores_of([recovered(segment, *run) for run in GROWTH_RUNS])


def _result(plan: Plan, job: Job, sheet: ScoreSheet, begun_s: float) -> JobResult:
    return JobResult(
        data=plan.data,
        variant=job.variant,
        fold=job.fold,
        seed=job.seed,
        plan_sha256=plan_sha256(plan, job.variant),
        width=None,
        gflops=None,
        parameters=None,
        training=None,
        pretrained_step=None,
        trials={},
        steps=None,
        kept_step=None,
        validation_iou=None,
        seconds=round(time.monotonic() - begun_s, 1),
        threshold=None,
        scores=sheet.scores(),
        frames={name: tally(counts) for name, counts in sheet.frames.items()},
    )
