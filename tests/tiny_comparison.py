"""A comparison of seconds: frames of dark squares, three rows, six steps. Run by itself, it is what a test kills."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from train.comparison.frames import LabelledFrame, Parts
from train.comparison.plan import Plan, Variant, suspension_plan
from train.comparison.run import pending, run_all
from train.configuration import StoppingConfiguration
from train.frame_crops import FrameCrops, Zoom
from train.loop import Allowance

ALONE = Allowance(threads=1, workers=0, log_every=1, save_every=1)


def tiny_plan(**changed: object) -> Plan:
    plan = suspension_plan(steps=6)
    training = plan.training.model_copy(
        update={"batch": 2, "crop_px": 48, "stopping": StoppingConfiguration(every_steps=2)}
    )
    variants = (
        Variant(name="ours", network="ours"),
        Variant(name="mask-rcnn", network="mask-rcnn"),
        Variant(name="thresholding", network="thresholding"),
    )
    update = {
        "training": training,
        "variants": variants,
        "seeds": (0,),
        "trial_steps": 2,
        "pretraining": None,
    }
    return plan.model_copy(update=update | changed)


def frame(name: str, seed: int) -> LabelledFrame:
    rng = np.random.default_rng(seed)
    labels = np.zeros((64, 80), np.int32)
    for label in range(1, 4):
        y, x = rng.integers(2, 42, 2)
        labels[y : y + 18, x : x + 18] = label
    image = np.where(labels > 0, 90, 190) + rng.normal(0, 6, labels.shape)
    return LabelledFrame(name, np.clip(image, 0, 255).astype(np.uint8), labels)


class Blots:
    """Four frames in two folds."""

    instances = False
    folds = 2

    def parts(self, fold: int) -> Parts:
        frames = [frame(f"f{n}", n) for n in range(4)]
        test, validation, *learned = frames[2 * fold :] + frames[: 2 * fold]
        source = FrameCrops([(one.image_HW, one.labels_HW) for one in learned], Zoom(0.8, 1.2, 20))
        return Parts(source, tuple(learned), (validation,), (test,))


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    # Mask R-CNN draws random numbers in every step: what is hardest to go on with
    plan, frames = tiny_plan(variants=tiny_plan().variants[1:2]), Blots()
    run_all(
        plan,
        frames,
        pending(plan, frames.folds, folder / "results"),
        folder / "work",
        folder / "results",
        ALONE,
    )
