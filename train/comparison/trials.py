"""The learning rate of a row: the better of a few, tried alike for every row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from train.comparison.learning import at_rate, configuration_of, digest_of, learn
from train.comparison.plan import Job
from train.comparison.pretrained import from_scratch
from train.comparison.result import plan_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from train.comparison.frames import ComparisonSet
    from train.comparison.plan import Plan, Variant
    from train.comparison.pretrained import StartOf
    from train.loop import Allowance

TRIALS_NAME = "trials.json"


def chosen_rates(
    plan: Plan,
    variant: Variant,
    frames: ComparisonSet,
    work: Path,
    allowance: Allowance,
    start_of: StartOf = from_scratch,
) -> dict[str, float]:
    """Validation IoU of each learning rate after the trial's steps, on fold 0 with the plan's trial seed.

    Done once for each row and start; what was tried before is read from `work`. A row that brings its own optimiser
    is not tried: it has that one's rate, at no value.
    """
    if variant.optimiser is not None:
        return {f"{variant.optimiser.learning_rate:g}": 0.0}
    start = start_of(Job(variant, 0, plan.trial_seed))
    made_of = {"plan_sha256": plan_sha256(plan, variant), "started_from_sha256": digest_of(start)}
    noted = work / TRIALS_NAME
    if noted.exists():
        before = json.loads(noted.read_text(encoding="utf-8"))
        if {name: before.get(name) for name in made_of} == made_of:
            return {rate: float(value) for rate, value in before["trials"].items()}
    parts = frames.parts(0)
    # a trial is a run of its own, decayed by its end and looked at once
    shared = configuration_of(plan, variant, plan.trial_seed, parts)
    stopping = shared.stopping.model_copy(update={"every_steps": plan.trial_steps, "patience": 0})
    shared = shared.model_copy(update={"steps": plan.trial_steps, "stopping": stopping})
    trials = {}
    for rate in plan.learning_rates:
        folder = work / f"rate-{rate:g}"
        state = learn(at_rate(shared, rate), plan.thresholds, parts, folder, allowance, start)
        trials[f"{rate:g}"] = state.best.value if state.best else 0.0
    work.mkdir(parents=True, exist_ok=True)
    beside = noted.with_suffix(".part")
    beside.write_text(json.dumps(made_of | {"trials": trials}) + "\n", encoding="utf-8")
    beside.replace(noted)  # whole or not at all: a kill must not leave half of it
    return trials
