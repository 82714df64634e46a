"""What a job leaves: one JSON file, committed beside the others."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from train.comparison.frames import SPLITS
from train.comparison.plan import THRESHOLDING, Variant
from train.configuration import Configuration, TrainingConfiguration
from train.errors import TrainingError
from train.evaluation.growth import GrowthScores
from train.metrics.scores import Scores
from train.networks import matched
from train.thresholding import ThresholdRule

if TYPE_CHECKING:
    from pathlib import Path

    from train.comparison.plan import Job, Plan
    from train.metrics import FrameCounts


class FrameTally(Configuration):
    """Counts of one test frame: what an interval is resampled from."""

    both: int
    """Pixels said and true."""
    said_only: int
    """Pixels said alone."""
    true_only: int
    """Pixels true alone."""
    neither: int
    """All other pixels."""
    iou_sum: float
    """Sum of the matched bodies' IoU."""
    matched: int
    """Matched bodies."""
    said: int
    """Bodies said."""
    true: int
    """True bodies."""


class JobResult(Configuration):
    """One row on one fold with one seed."""

    data: str
    """Name of the set."""
    variant: Variant
    """The row."""
    fold: int
    """Number of the fold."""
    seed: int
    """Seed of weights and crops."""
    plan_sha256: str
    """Hash of everything in the plan that this result depends on."""
    width: int | None
    """Channels of the network's first stage."""
    gflops: float | None
    """10⁹ operations for a frame of 256×256."""
    parameters: int | None
    """Numbers that were learned."""
    training: TrainingConfiguration | None
    """The whole configuration of the run."""
    pretrained_step: int | None = None
    """Step of the plan's pre-training whose weights were started from; None: random weights."""
    started_from_sha256: str | None = None
    """Hash of those weights: the `weights_sha256` of the pre-training's result."""
    weights_sha256: str | None = None
    """Hash of the weights that were kept; None: nothing was learned."""
    trials: dict[str, float]
    """Validation IoU of each learning rate that was tried."""
    steps: int | None
    """Steps done."""
    kept_step: int | None
    """Step whose weights were kept."""
    validation_iou: float | None
    """Their IoU on the validation part."""
    seconds: float
    """Time of the last process that worked on it, s; the machine was shared."""
    threshold: ThresholdRule | None
    """The rule that was chosen, of thresholding."""
    scores: Scores
    """Pooled over the test frames."""
    frames: dict[str, FrameTally]
    """By test frame."""
    growth: GrowthScores | None = None
    """Growth of simulated crystals, where it was asked for."""


def tally(counts: FrameCounts) -> FrameTally:
    """Counts of a frame without what a result file need not hold."""
    pixels, bodies = counts.pixels, counts.instances
    return FrameTally(
        both=pixels.both,
        said_only=pixels.said_only,
        true_only=pixels.true_only,
        neither=pixels.neither,
        iou_sum=round(bodies.iou_sum, 6),
        matched=bodies.matched,
        said=bodies.said,
        true=bodies.true,
    )


def plan_sha256(plan: Plan, variant: Variant) -> str:
    """Hash of what a row's results depend on: the plan without its other rows and its seeds, its width, the folds.

    Not of the code that simulates, trains and measures: after a change of that, results are to be deleted by hand.
    """
    made_of = {
        "plan": _of_row(plan, variant).model_dump(mode="json"),
        "width": None if variant.network == THRESHOLDING else matched.read().of(variant.network).width,
        "folds": hashlib.sha256(SPLITS.read_bytes()).hexdigest() if plan.data == "suspension" else None,
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def _of_row(plan: Plan, variant: Variant) -> Plan:
    before = plan.pretraining if variant.pretrained else None
    own = {"variants": (variant,), "seeds": ()}
    return plan.model_copy(update=own | {"pretraining": before and _of_row(before, variant)})


def path_of(results: Path, plan: Plan, job: Job) -> Path:
    """File of a job's result."""
    return results / plan.data / f"{job.name}.json"


def read_result(path: Path) -> JobResult:
    """Read one; raises `TrainingError` if it is none."""
    try:
        return JobResult.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise TrainingError(
            f"{path} is no result of a comparison of this version: delete it and compare again"
        ) from error


def read_results(folder: Path, data: str) -> list[JobResult]:
    """Every result of a set, in the order of rows, folds and seeds."""
    found = [read_result(path) for path in sorted((folder / data).glob("*/*.json"))]
    return sorted(found, key=lambda result: (result.variant.name, result.fold, result.seed))


def write_result(result: JobResult, path: Path) -> None:
    """Write whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
