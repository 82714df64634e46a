"""A training of seconds, to be run alone or by `torchrun`; it may die after its first checkpoint."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np

from train import checkpoint
from train.configuration import OptimiserConfiguration, StoppingConfiguration, TrainingConfiguration
from train.frame_crops import FrameCrops, Zoom
from train.loop import CHECKPOINT_NAME, Allowance, train
from train.networks import Trainee
from train.team import team

CONFIGURATION = TrainingConfiguration(
    width=4, crop_px=64, batch=4, steps=12, half_precision=False, adversarial_levels=0.05,
    optimiser=OptimiserConfiguration(warm_up_steps=4), stopping=StoppingConfiguration(every_steps=6),
)  # fmt: skip


def blots() -> FrameCrops:
    """A frame of dark squares."""
    rng = np.random.default_rng(0)
    image, labels = np.full((128, 128), 200, np.uint8), np.zeros((128, 128), np.int32)
    for label in range(1, 8):
        y, x = rng.integers(0, 108, 2)
        image[y : y + 18, x : x + 18] = 80
        labels[y : y + 18, x : x + 18] = label
    return FrameCrops([(image, labels)], Zoom(0.8, 1.2))


def sum_of_weights(trainee: Trainee) -> float:
    """A look that depends on the weights alone."""
    return next(trainee.module.parameters()).detach().sum().item()


def main() -> None:
    """Train, or go on."""
    out, dies = Path(sys.argv[1]), sys.argv[2:] == ["dies"]
    if dies:
        original = checkpoint.save

        def save(*arguments: object) -> None:
            original(*arguments)  # type: ignore[arg-type]  # they are passed on
            os.kill(os.getpid(), signal.SIGKILL)

        checkpoint.save = save  # type: ignore[assignment]  # for this process alone
    path = out / CHECKPOINT_NAME
    start = checkpoint.load(path) if path.exists() else None
    allowance = Allowance(threads=1, workers=0, log_every=1, save_every=6)
    with team() as mine:
        train(CONFIGURATION, blots(), out, allowance, start, sum_of_weights, team=mine)


if __name__ == "__main__":
    main()
