"""A comparison as one value: which networks, folds, seeds, and the budget that all of them have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from engine.thresholds import Thresholds
from train.comparison.frames import SimulationSet, SuspensionSet
from train.configuration import (
    AugmentationConfiguration,
    Configuration,
    LossConfiguration,
    MixConfiguration,
    OptimiserConfiguration,
    StoppingConfiguration,
    TrainingConfiguration,
)
from train.errors import TrainingError
from train.frame_crops import Zoom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from train.comparison.frames import ComparisonSet

THRESHOLDING = "thresholding"
"""The rival that is no network; it stands beside them in plans and tables."""
OURS = "ours"
"""The network that the others are compared with."""
COMPARED = (OURS, "unet", "fcn8s", "segnet", "mask-rcnn", "convnext-unet", THRESHOLDING)
"""The comparison of the seed paper's Table 1, with a newer network and thresholding."""
PARTS = ("ours-without-rfa", "ours-without-gates", "ours-without-both", "ours-relu")
"""What each part of ours is worth."""
COMMON_THRESHOLDS = Thresholds(
    crystal=0.5, contact=0.06, minimal_area_px=16, minimal_score=0.7, small_area_px=100, small_score=0.75
)
"""Of all rows. They are not those that ship, whose scores were chosen on frames that a fold is tested on."""


class Variant(Configuration):
    """A row: a network, with what of the training is changed for it."""

    name: str
    """Of the row, unique in a plan; letters, digits and hyphens."""
    title: str | None = None
    """In tables; None: the network's own."""
    network: str
    """Name in the registry, or `thresholding`."""
    loss: LossConfiguration | None = None
    """In place of the plan's loss; the plan's positive weight is kept."""
    weighted: bool | None = None
    """In place of the plan's."""
    optimiser: OptimiserConfiguration | None = None
    """In place of the plan's; its learning rate is then the row's, and none is tried."""
    average_decay: float | None = None
    """In place of the plan's."""
    adversarial_levels: float | None = None
    """In place of the plan's."""
    pretrained: bool = True
    """Whether it starts from what the plan's pre-training, if it has one, made of it."""


class Plan(Configuration):
    """A whole comparison."""

    data: Literal["suspension", "simulation"]
    """Name of the set."""
    variants: tuple[Variant, ...] = Field(min_length=1)
    """The rows."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of weights and crops; each trains every row on every fold. Thresholding knows no seed: it has 0."""
    training: TrainingConfiguration
    """What all rows share; network, width, seed, learning rate and positive weight are filled in."""
    pretraining: Plan | None = None
    """The comparison whose weights, row for row and seed for seed, are started from; None: random weights."""
    learning_rates: tuple[float, ...] = (5e-4, 2e-3)
    """What each row's learning rate is chosen from, on the validation part of fold 0: the same trials for all."""
    trial_steps: int = Field(default=200, ge=1)
    """Steps of each trial."""
    trial_seed: int = 0
    """Seed of the trials, whichever seeds are done: the rate is the row's."""
    thresholds: Thresholds = COMMON_THRESHOLDS
    """The post-processing of all rows."""
    weighted: bool = True
    """Whether the positive weight is the class ratio of the training part (undone before anything is measured)."""
    zoom_low: float = 0.75
    """Least magnification of a crop."""
    zoom_high: float = 1.33
    """Greatest magnification of a crop."""
    rotation_degrees: float = 45.0
    """Greatest turn of a crop to either side, degrees (the quarter turns of the augmentation do the rest)."""
    stills: int = 8
    """Simulated stills of each family in the test."""

    def frames(self, data: Path | None) -> ComparisonSet:
        """The set; raises `TrainingError` where it needs the real images and there are none."""
        if self.data == "simulation":
            return SimulationSet(self.training.mix, self.stills)
        if data is None:
            raise TrainingError("the comparison on suspension needs the folder of real images: give --data")
        return SuspensionSet(data, Zoom(self.zoom_low, self.zoom_high, self.rotation_degrees))

    def jobs(self, folds: int) -> Iterator[Job]:
        """Every job, so ordered that what is done at any time is as even over the rows as can be."""
        for seed in self.seeds:
            for fold in range(folds):
                for variant in self.variants:
                    if variant.network != THRESHOLDING:
                        yield Job(variant, fold, seed)
                    elif seed == self.seeds[0]:
                        yield Job(variant, fold, 0)


@dataclass(frozen=True)
class Job:
    """One row on one fold with one seed."""

    variant: Variant
    fold: int
    seed: int

    @property
    def name(self) -> str:
        """Its folder."""
        return f"{self.variant.name}/fold-{self.fold}-seed-{self.seed}"


def options() -> tuple[Variant, ...]:
    """What lies beyond the paper, a row each; all are ours, at the width of ours."""
    return (
        Variant(name="ours-distance", network="ours-distance"),
        Variant(
            name="ours-dice", title="ours, Dice 0.5", network=OURS, loss=LossConfiguration(dice_share=0.5)
        ),
        Variant(
            name="ours-boundary",
            title="ours, boundary loss 0.1",
            network=OURS,
            loss=LossConfiguration(boundary_share=0.1),
        ),
        Variant(name="ours-transformer", network="ours-transformer"),
        Variant(
            name="ours-paper-adam", title="ours, the paper's Adam", network=OURS, optimiser=paper_optimiser()
        ),
        Variant(name="ours-unweighted", title="ours, ω = 1", network=OURS, weighted=False),
        Variant(name="ours-last", title="ours, last weights (no average)", network=OURS, average_decay=0.0),
        Variant(
            name="ours-adversarial", title="ours, adversarial 0.05", network=OURS, adversarial_levels=0.05
        ),
    )


FROM_SCRATCH = Variant(
    name="ours-from-scratch", title="ours, not pre-trained", network=OURS, pretrained=False
)
"""What pre-training is worth; not a row where nothing is pre-trained."""


def _rows() -> tuple[Variant, ...]:
    return (*(Variant(name=name, network=name) for name in (*COMPARED, *PARTS)), *options())


def suspension_plan(steps: int = 400) -> Plan:
    """The paper's comparison on the seven real frames, and what parts and options are worth.

    Every row is first trained on the simulation, as the paper's are on COCO: that is the comparison on the
    simulation, whose weights are started from.
    """
    return Plan(
        data="suspension",
        variants=(*_rows(), FROM_SCRATCH),
        training=_training(steps, 8, MixConfiguration()),
        pretraining=simulation_plan(),
        trial_steps=100,
    )


def simulation_plan(steps: int = 1200) -> Plan:
    """The same on simulated stills."""
    return Plan(
        data="simulation",
        variants=_rows(),
        training=_training(steps, 4, MixConfiguration(ice_share=0.0)),
        weighted=False,
    )


def _training(steps: int, batch: int, mix: MixConfiguration) -> TrainingConfiguration:
    return TrainingConfiguration(
        recipe="comparison",
        steps=steps,
        batch=batch,
        crop_px=256,
        mix=mix,
        augmentation=AugmentationConfiguration(),
        loss=LossConfiguration(dice_share=0.0),
        optimiser=OptimiserConfiguration(average_decay=0.99, warm_up_steps=50),
        stopping=StoppingConfiguration(every_steps=100, patience=4),
    )


def paper_optimiser() -> OptimiserConfiguration:
    """The paper's Adam: 1e-4, β 0.99 and 0.999, decay 1e-6, taken here of the learning rate; no warm-up, no average."""
    return OptimiserConfiguration(
        decay_of="learning_rate",
        schedule="constant",
        learning_rate=1e-4,
        beta1=0.99,
        beta2=0.999,
        weight_decay=1e-6,
        warm_up_steps=1,
        gradient_norm=1e9,
        average_decay=0.0,
    )


PLANS = {"suspension": suspension_plan, "simulation": simulation_plan}
"""Every plan by the name of its set."""
