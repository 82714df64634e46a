"""Pre-training on COCO's objects: edges and closed bodies, whatever they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from train import checkpoint
from train.configuration import (
    AugmentationConfiguration,
    LossConfiguration,
    MixConfiguration,
    OptimiserConfiguration,
    TrainingConfiguration,
)
from train.data.formats import read_items
from train.errors import TrainingError
from train.frame_crops import Zoom
from train.item_crops import ItemCrops

if TYPE_CHECKING:
    from pathlib import Path


def pretraining(
    steps: int = 20000, network: str = "ours", width: int = 16, seed: int = 0
) -> TrainingConfiguration:
    """The complete configuration of a pre-training run."""
    return TrainingConfiguration(
        recipe="pretraining",
        network=network,
        width=width,
        steps=steps,
        batch=8,
        seed=seed,
        mix=MixConfiguration(ice_share=0.0),
        augmentation=AugmentationConfiguration(),
        # objects cover about a third of a photograph: no class is rare
        loss=LossConfiguration(crystal_positive_weight=1.0),
        optimiser=OptimiserConfiguration(),
    )


def coco_crops(root: Path, annotations: str | None) -> ItemCrops:
    """Every object of a set in COCO's format; every category is foreground, crowds are left out.

    Raises `TrainingError` where the set cannot be read.
    """
    return ItemCrops(read_items("coco", root, annotations=annotations), Zoom(0.5, 1.5))


def initial(path: Path, configuration: TrainingConfiguration) -> checkpoint.Checkpoint:
    """A start from pre-trained weights: step 0 of `configuration` with the weights that the run at `path` kept.

    Raises `TrainingError` where they are of another network.
    """
    found = checkpoint.load(path)
    named, wanted = found.configuration.network_in_words, configuration.network_in_words
    if named != wanted:
        raise TrainingError(f"{path} holds {named}, the run is of {wanted}: pre-train that")
    return checkpoint.Checkpoint(configuration, 0, found.kept, found.kept, None)
