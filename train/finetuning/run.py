"""One fine-tuning: minutes on a CPU, then the same frames before and after."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from safetensors.torch import load_file

from engine.export import release
from train import checkpoint
from train.checkpoint import Checkpoint
from train.configuration import (
    LossConfiguration,
    MixConfiguration,
    OptimiserConfiguration,
    TrainingConfiguration,
)
from train.errors import TrainingError
from train.finetuning.report import Learning, Split
from train.first_weights import FAMILY_WEIGHTS
from train.frame_crops import FrameCrops, Zoom
from train.loop import CHECKPOINT_NAME, train
from train.mixed_crops import MixedCrops
from train.parity_frames import make_parity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    import torch

    from engine.card import ModelCard
    from train.finetuning.frames import OwnFrames
    from train.loop import Allowance
    from train.stream import CropSource
    from train.watching import Watcher

FINE_TUNED = "fine-tuned"
"""Name of fine-tuned weights, whatever they were tuned from: so the one path `current/fine-tuned.json` in a station's
settings is right for every version, and runs say by the model's name that it was not the one that ships."""
SPLIT_NAME = "split.json"
TRAINING_NAME = "training"
"""Folder of the training's own files in that of a version."""
OWN_SHARE = 0.5
"""Share of the crops that come from the user's frames; the others keep what the weights know."""


def finetuning(card: ModelCard, steps: int = 300, seed: int = 0) -> TrainingConfiguration:
    """The complete configuration of a fine-tuning of a card's weights."""
    return TrainingConfiguration(
        recipe="finetuning",
        width=card.network.width,
        stage_channels=card.network.stage_channels,
        steps=steps,
        batch=4,
        seed=seed,
        mix=MixConfiguration(ice_share=0.0, family_weights=FAMILY_WEIGHTS),
        loss=LossConfiguration(contact_positive_weight=card.positive_weights[1]),
        optimiser=OptimiserConfiguration(learning_rate=1e-3, warm_up_steps=20, average_decay=0.99),
        # four crops of two kinds have other means and variances than a frame of either
        frozen_statistics=True,
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
    card: ModelCard,
    frames: OwnFrames,
    configuration: TrainingConfiguration,
    out: Path,
    allowance: Allowance,
    scale: float = 1.0,
    watchers: Sequence[Watcher] = (),
) -> tuple[ModelCard, Learning]:
    """Learn from `frames.learned`, write the new weights and their card to `out`, give the card and what was done.

    `scale` is the factor by which the frames were resized; it is noted, not applied.
    The training's own files lie in `out/training`; where they hold a checkpoint, the training goes on from it.
    `watchers` are told of it.
    Raises `TrainingError` where that is of another one, and the loop's errors.
    """
    own = FrameCrops([(image, labels) for _, image, labels in frames.learned], Zoom(0.75, 1.33, 45))
    source = BlendedCrops(own, MixedCrops(configuration.mix, None), OWN_SHARE)
    training = out / TRAINING_NAME
    split = _noted(frames, scale, training)
    begun = _begun(card, configuration, training)
    clock_s, processor_s = time.monotonic(), _processor_s()
    reached = train(configuration, source, training, allowance, begun, watchers=watchers)
    learning = Learning(
        split=split,
        seed=configuration.seed,
        threads=allowance.threads,
        steps=reached.step,
        first_step=begun.step,
        seconds=round(time.monotonic() - clock_s, 1),
        processor_seconds=round(_processor_s() - processor_s, 1),
    )
    tuned = replace(
        card,
        name=FINE_TUNED,
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
    return make_parity(release(reached.kept, tuned, out), allowance.threads), learning


def _noted(frames: OwnFrames, scale: float, training: Path) -> Split:
    """Write down what is held out; a training that goes on must hold out the same."""
    learned, held_out = (tuple(name for name, _, _ in part) for part in (frames.learned, frames.held_out))
    split = Split(learned=learned, held_out=held_out, scale=scale)
    path = training / SPLIT_NAME
    if path.exists() and Split.model_validate_json(path.read_bytes()) != split:
        raise TrainingError(
            f"{training} was begun with other frames or another --seed, --held-out or --scale: give the same, or "
            "begin anew without --resume"
        )
    training.mkdir(parents=True, exist_ok=True)
    path.write_text(split.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return split


def _begun(card: ModelCard, configuration: TrainingConfiguration, training: Path) -> Checkpoint:
    path = training / CHECKPOINT_NAME
    if not path.exists():
        return start_of(card, configuration)
    begun = checkpoint.load(path)
    if begun.configuration != configuration:
        raise TrainingError(
            f"{path} is of a training with other settings (--steps): give the same, or begin anew without --resume"
        )
    return begun


def _processor_s() -> float:
    """Processor time of this process and of its children that have ended, s."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )
