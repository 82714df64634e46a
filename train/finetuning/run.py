"""One fine-tuning: minutes on a CPU, then the same frames before and after."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from safetensors.torch import load_file

from engine.export import release
from train.checkpoint import Checkpoint
from train.configuration import (
    LossConfiguration,
    MixConfiguration,
    OptimiserConfiguration,
    TrainingConfiguration,
)
from train.first_weights import FAMILY_WEIGHTS
from train.frame_crops import FrameCrops, Zoom
from train.loop import train
from train.mixed_crops import MixedCrops
from train.parity_frames import make_parity

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    import torch

    from engine.card import ModelCard
    from train.finetuning.frames import OwnFrames
    from train.loop import Allowance
    from train.stream import CropSource

OWN_SHARE = 0.5
"""Share of the crops that come from the user's frames; the others keep what the weights know."""


def finetuning(card: ModelCard, steps: int = 400, seed: int = 0) -> TrainingConfiguration:
    """The complete configuration of a fine-tuning of a card's weights."""
    return TrainingConfiguration(
        recipe="finetuning",
        width=card.network.width,
        steps=steps,
        batch=4,
        seed=seed,
        mix=MixConfiguration(ice_share=0.0, family_weights=FAMILY_WEIGHTS),
        loss=LossConfiguration(contact_positive_weight=card.positive_weights[1]),
        optimiser=OptimiserConfiguration(learning_rate=5e-4, warm_up_steps=20, average_decay=0.99),
    )


class BlendedCrops:
    """Crops of the user's frames and of others."""

    def __init__(self, own: CropSource, others: CropSource, own_share: float) -> None:
        """Take a share of crops from `own`."""
        self._own, self._others, self._share = own, others, own_share

    def crop(
        self, rng: np.random.Generator, side_px: int
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
        """A crop of one or the other."""
        return (self._own if rng.random() < self._share else self._others).crop(rng, side_px)


def start_of(card: ModelCard, configuration: TrainingConfiguration) -> Checkpoint:
    """Step 0 with a card's weights, its calibration moved into the last layer's bias.

    The card undoes a positive weight ω of the crystal channel; a bias less ln ω gives the same probabilities
    with ω = 1, which is what fine-tuning learns with.
    """
    state: dict[str, torch.Tensor] = load_file(card.verify(card.safetensors_path, card.safetensors_sha256))
    state = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    state["head.bias"] = state["head.bias"].clone()
    state["head.bias"][0] -= float(np.log(card.positive_weights[0]))
    return Checkpoint(configuration, 0, state, state, None)


def finetune(
    card: ModelCard, frames: OwnFrames, configuration: TrainingConfiguration, out: Path, allowance: Allowance
) -> ModelCard:
    """Learn from `frames.learned`, write the new weights and their card to `out`, give the card.

    The training's own files lie in `out/training`. Raises the loop's errors.
    """
    own = FrameCrops([(image, labels) for _, image, labels in frames.learned], Zoom(0.75, 1.33, 45))
    source = BlendedCrops(own, MixedCrops(configuration.mix, None), OWN_SHARE)
    reached = train(configuration, source, out / "training", allowance, start_of(card, configuration))
    tuned = replace(
        card,
        positive_weights=(
            configuration.loss.crystal_positive_weight,
            configuration.loss.contact_positive_weight,
        ),
        training_data=(*card.training_data, f"fine-tuned on {len(frames.learned)} frames of the user's"),
        metrics={"fine_tuned_from": card.weights_hash, "steps": reached.step},
        created=datetime.now(UTC).date().isoformat(),
        notes=f"Fine-tuned from {card.name} {card.weights_hash}. {card.notes}",
        parity_sha256="",
        parity_limits={},
    )
    return make_parity(release(reached.kept, tuned, out), allowance.threads)
