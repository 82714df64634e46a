"""What a job learns: its configuration, its start, and the run itself, which goes on where it was killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train import checkpoint, loop, networks
from train.metrics.pixels import PixelCounts, compare
from train.networks import matched

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.thresholds import Thresholds
    from train.comparison.frames import LabelledFrame, Parts
    from train.comparison.plan import Plan, Variant
    from train.configuration import TrainingConfiguration
    from train.loop import Allowance
    from train.networks import Trainee
    from train.run import Validate
    from train.segmenting import Segment

START_NAME = "started-from.sha256"
"""Hash of the weights that a run under way started from; empty: random ones."""


def configuration_of(plan: Plan, variant: Variant, seed: int, parts: Parts) -> TrainingConfiguration:
    """The complete configuration of a row's run but for its learning rate: the plan's, with what the row changes."""
    training = plan.training
    weighted = plan.weighted if variant.weighted is None else variant.weighted
    weight = parts.positive_weight() if weighted else training.loss.crystal_positive_weight
    loss = (variant.loss or training.loss).model_copy(update={"crystal_positive_weight": weight})
    optimiser = variant.optimiser or training.optimiser
    if variant.average_decay is not None:
        optimiser = optimiser.model_copy(update={"average_decay": variant.average_decay})
    width = matched.read().of(variant.network).width
    changed = {"network": variant.network, "width": width, "seed": seed, "loss": loss, "optimiser": optimiser}
    if variant.adversarial_levels is not None:
        changed["adversarial_levels"] = variant.adversarial_levels
    return training.model_copy(update=changed)


def at_rate(configuration: TrainingConfiguration, rate: float) -> TrainingConfiguration:
    """The same at a learning rate."""
    optimiser = configuration.optimiser.model_copy(update={"learning_rate": rate})
    return configuration.model_copy(update={"optimiser": optimiser})


def learn(
    configuration: TrainingConfiguration,
    limits: Thresholds,
    parts: Parts,
    work: Path,
    allowance: Allowance,
    pretrained: checkpoint.Checkpoint | None,
) -> checkpoint.Checkpoint:
    """Train from `pretrained` (None: random weights), or go on with what the folder `work` has of the very same run.

    Of another configuration, or from another start, it is begun anew.
    """
    path, noted = work / loop.CHECKPOINT_NAME, work / START_NAME
    begins_at = digest_of(pretrained) or ""
    begun = checkpoint.load(path) if path.exists() else None
    same_start = noted.exists() and noted.read_text(encoding="utf-8") == begins_at
    if begun is None or begun.configuration != configuration or not same_start:
        for name in (loop.CHECKPOINT_NAME, loop.LOG_NAME, loop.VALIDATION_NAME):
            (work / name).unlink(missing_ok=True)
        begun = None
        if pretrained is not None:
            begun = checkpoint.Checkpoint(configuration, 0, pretrained.kept, pretrained.kept, None)
        work.mkdir(parents=True, exist_ok=True)
        noted.write_text(begins_at, encoding="utf-8")
    look = validation_iou(parts.validation, configuration, limits)
    return loop.train(configuration, parts.source, work, allowance, begun, look)


def digest_of(start: checkpoint.Checkpoint | None) -> str | None:
    """Hash of the weights that a run starts from; None: random ones."""
    return None if start is None else checkpoint.weights_sha256(start.kept)


def validation_iou(
    frames: Sequence[LabelledFrame], configuration: TrainingConfiguration, limits: Thresholds
) -> Validate:
    """The look that a run takes: pooled IoU over the validation frames."""

    def look(trainee: Trainee) -> float:
        segment, counts = segment_of(trainee, configuration, limits), PixelCounts()
        for frame in frames:
            counts += compare(segment(frame.image_HW).labels_HW > 0, frame.labels_HW > 0)
        # nothing said and nothing true is right, and no reason to keep such weights
        return counts.iou if counts.both + counts.said_only + counts.true_only else 0.0

    return look


def segment_of(trainee: Trainee, configuration: TrainingConfiguration, limits: Thresholds) -> Segment:
    """A network with the post-processing of all rows."""
    return lambda image_HW: trainee.segment(image_HW, configuration.loss, limits)


def trained(state: checkpoint.Checkpoint, limits: Thresholds) -> Segment:
    """The same with the weights that a run kept."""
    configuration = state.configuration
    trainee = networks.build(configuration.network, configuration.width, configuration.seed)
    trainee.module.load_state_dict(state.kept)
    return segment_of(trainee, configuration, limits)
