"""One job of a comparison: choose the learning rate, train, test. Killed at any moment, it goes on where it was."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from engine.thresholds import Thresholds
from train import checkpoint, loop, networks
from train.comparison.plan import THRESHOLDING, Job
from train.comparison.pretrained import KEPT_NAME, from_scratch
from train.comparison.result import JobResult, plan_sha256, tally
from train.evaluation.growth import GROWTH_SEEDS, recovered, scores_of
from train.metrics import ScoreSheet
from train.metrics.pixels import PixelCounts, compare
from train.networks import matched
from train.thresholding import choose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from train.comparison.frames import ComparisonSet, LabelledFrame, Parts
    from train.comparison.plan import Plan, Variant
    from train.comparison.pretrained import StartOf
    from train.configuration import TrainingConfiguration
    from train.evaluation.growth import GrowthScores
    from train.loop import Allowance
    from train.networks import Trainee
    from train.run import Validate
    from train.segmenting import Segment

GROWTH_RUNS = (("demo", GROWTH_SEEDS[0]), ("needles", GROWTH_SEEDS[0]))
"""Simulated runs, preset and seed, that a row follows where it is asked to."""
COMMON_THRESHOLDS = Thresholds(
    crystal=0.5, contact=0.06, minimal_area_px=16, minimal_score=0.7, small_area_px=100, small_score=0.75
)
"""Of all rows. They are not those that ship, whose scores were chosen on frames that a fold is tested on."""
TRIALS_NAME = "trials.json"


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
    width = matched.read().of(job.variant.network).width
    shared = _shared(plan, job, width, parts)
    trials = chosen_rates(plan, job.variant, frames, work.parent / "trials", allowance, start_of)
    best_rate = max(trials, key=lambda rate: trials[rate])
    configuration = _at_rate(shared, float(best_rate))
    start = start_of(job)
    state = _train(configuration, parts, work, allowance, start)
    checkpoint.save(_weights_alone(state), work / KEPT_NAME)
    segment = _trained(state)
    sheet = tested(segment, parts.test, frames.instances)
    cost = matched.read().of(job.variant.network)
    learned = {
        "width": width,
        "gflops": cost.gflops,
        "parameters": cost.parameters,
        "training": configuration,
        "pretrained_step": start.step if start else None,
        "trials": trials,
        "steps": state.step,
        "kept_step": state.best.step if state.best else state.step,
        "validation_iou": state.best.value if state.best else None,
        "growth": _growth(segment) if growth else None,
    }
    return _result(plan, job, sheet, begun_s).model_copy(update=learned)


def with_growth(result: JobResult, work: Path) -> JobResult | None:
    """A result with growth added to it; None: the folder `work` does not hold the weights that were trained for it."""
    if result.threshold is not None:
        return result.model_copy(update={"growth": _growth(result.threshold.segment)})
    path = work / KEPT_NAME
    if not path.exists():
        return None
    state = checkpoint.load(path)
    if (state.configuration, state.step) != (result.training, result.kept_step):
        return None
    return result.model_copy(update={"growth": _growth(_trained(state))})


def chosen_rates(
    plan: Plan,
    variant: Variant,
    frames: ComparisonSet,
    work: Path,
    allowance: Allowance,
    start_of: StartOf = from_scratch,
) -> dict[str, float]:
    """Validation IoU of each learning rate after the trial's steps, on fold 0 with the plan's first seed.

    Done once for each row; what was tried before is read from `work`. A row that brings its own optimiser is
    not tried: it has that one's rate, at no value.
    """
    if variant.optimiser is not None:
        return {f"{variant.optimiser.learning_rate:g}": 0.0}
    noted = work / TRIALS_NAME
    digest = plan_sha256(plan, variant)
    if noted.exists():
        before = json.loads(noted.read_text(encoding="utf-8"))
        if before["plan_sha256"] == digest:
            return {rate: float(value) for rate, value in before["trials"].items()}
    parts = frames.parts(0)
    width = matched.read().of(variant.network).width
    # a trial is a run of its own, decayed by its end and looked at once
    shared = _configuration(plan, variant, plan.seeds[0], width, parts).model_copy(
        update={"steps": plan.trial_steps}
    )
    stopping = shared.stopping.model_copy(update={"every_steps": plan.trial_steps, "patience": 0})
    trials = {}
    for rate in plan.learning_rates:
        configuration = _at_rate(shared.model_copy(update={"stopping": stopping}), rate)
        start = start_of(Job(variant, 0, plan.seeds[0]))
        state = _train(configuration, parts, work / f"rate-{rate:g}", allowance, start)
        trials[f"{rate:g}"] = state.best.value if state.best else 0.0
    work.mkdir(parents=True, exist_ok=True)
    beside = noted.with_suffix(".part")
    beside.write_text(json.dumps({"plan_sha256": digest, "trials": trials}) + "\n", encoding="utf-8")
    beside.replace(noted)  # whole or not at all: a kill must not leave half of it
    return trials


def tested(segment: Segment, frames: Sequence[LabelledFrame], instances: bool) -> ScoreSheet:
    """A sheet with every frame on it."""
    sheet = ScoreSheet(instances)
    for frame in frames:
        sheet.add(frame.name, segment(frame.image_HW), frame.labels_HW)
    return sheet


def validation_iou(frames: Sequence[LabelledFrame], configuration: TrainingConfiguration) -> Validate:
    """The look that a run takes: pooled IoU over the validation frames."""

    def look(trainee: Trainee) -> float:
        segment, counts = _segment(trainee, configuration), PixelCounts()
        for frame in frames:
            counts += compare(segment(frame.image_HW).labels_HW > 0, frame.labels_HW > 0)
        # nothing said and nothing true is right, and no reason to keep such weights
        return counts.iou if counts.both + counts.said_only + counts.true_only else 0.0

    return look


def _shared(plan: Plan, job: Job, width: int, parts: Parts) -> TrainingConfiguration:
    return _configuration(plan, job.variant, job.seed, width, parts)


def _configuration(
    plan: Plan, variant: Variant, seed: int, width: int, parts: Parts
) -> TrainingConfiguration:
    training = plan.training
    weighted = plan.weighted if variant.weighted is None else variant.weighted
    weight = parts.positive_weight() if weighted else training.loss.crystal_positive_weight
    loss = (variant.loss or training.loss).model_copy(update={"crystal_positive_weight": weight})
    optimiser = variant.optimiser or training.optimiser
    if variant.average_decay is not None:
        optimiser = optimiser.model_copy(update={"average_decay": variant.average_decay})
    changed = {"network": variant.network, "width": width, "seed": seed, "loss": loss, "optimiser": optimiser}
    if variant.adversarial_levels is not None:
        changed["adversarial_levels"] = variant.adversarial_levels
    return training.model_copy(update=changed)


def _at_rate(configuration: TrainingConfiguration, rate: float) -> TrainingConfiguration:
    optimiser = configuration.optimiser.model_copy(update={"learning_rate": rate})
    return configuration.model_copy(update={"optimiser": optimiser})


def _train(
    configuration: TrainingConfiguration,
    parts: Parts,
    work: Path,
    allowance: Allowance,
    pretrained: checkpoint.Checkpoint | None,
) -> checkpoint.Checkpoint:
    path = work / loop.CHECKPOINT_NAME
    start = checkpoint.load(path) if path.exists() else None
    if start is not None and start.configuration != configuration:
        start = None  # of another plan: begin anew
        for name in (loop.LOG_NAME, loop.VALIDATION_NAME):
            (work / name).unlink(missing_ok=True)
    if start is None and pretrained is not None:
        start = checkpoint.Checkpoint(configuration, 0, pretrained.kept, pretrained.kept, None)
    look = validation_iou(parts.validation, configuration)
    return loop.train(configuration, parts.source, work, allowance, start, look)


def _segment(trainee: Trainee, configuration: TrainingConfiguration) -> Segment:
    return lambda image_HW: trainee.segment(image_HW, configuration.loss, COMMON_THRESHOLDS)


def _weights_alone(state: checkpoint.Checkpoint) -> checkpoint.Checkpoint:
    step = state.best.step if state.best else state.step
    return checkpoint.Checkpoint(state.configuration, step, {}, state.kept, None)


def _trained(state: checkpoint.Checkpoint) -> Segment:
    configuration = state.configuration
    trainee = networks.build(configuration.network, configuration.width, configuration.seed)
    trainee.module.load_state_dict(state.kept)
    return _segment(trainee, configuration)


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
