"""The golden curve: the losses of twenty steps on eight committed images, one thread.

The images are committed, not rendered, so that the curve tells of the training alone: network, targets,
augmentation, loss, optimiser, schedule.
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from monitor.simulation import training_scene
from train.configuration import OptimiserConfiguration, TrainingConfiguration
from train.errors import TrainingError
from train.frame_crops import FrameCrops, Zoom
from train.loop import LOG_NAME, Allowance, train

if TYPE_CHECKING:
    import numpy.typing as npt

STEPS = 20
TOLERANCE = 1e-4
"""Greatest distance of a loss from the committed one."""
SIDE_PX = 96
FAMILIES = ("drops", "empty", "film", "grains", "needles", "plates", "suspension", "suspension")
IMAGES_NAME, LOSSES_NAME = "images.npz", "losses.csv"


def configuration() -> TrainingConfiguration:
    """The run: full precision, a narrow network, a short warm-up, all else as the weights that ship are trained."""
    return TrainingConfiguration(
        recipe="golden",
        width=4,
        crop_px=64,
        batch=8,
        steps=STEPS,
        seed=7,
        half_precision=False,
        optimiser=OptimiserConfiguration(warm_up_steps=20),
    )


def make_images(folder: Path) -> None:
    """Render eight stills and their labels into `folder`."""
    stills = [
        training_scene(np.random.default_rng([7, number]), SIDE_PX, SIDE_PX, family)
        for number, family in enumerate(FAMILIES)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        folder / IMAGES_NAME,
        images_NHW=np.stack([image for image, _ in stills]),
        labels_NHW=np.stack([labels for _, labels in stills]).astype(np.uint16),
    )


def losses(folder: Path, run: TrainingConfiguration | None = None) -> list[float]:
    """Loss of each step of a run (default: the golden one) on the images in `folder`.

    Raises `TrainingError` if the images are missing.
    """
    images_NHW, labels_NHW = _images(folder)
    source = FrameCrops(list(zip(images_NHW, labels_NHW.astype(np.int32), strict=True)), Zoom(0.8, 1.25))
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with tempfile.TemporaryDirectory() as out:
            train(run or configuration(), source, Path(out), Allowance(threads=1, workers=0, log_every=1))
            with (Path(out) / LOG_NAME).open(newline="", encoding="utf-8") as file:
                return [float(row["loss"]) for row in csv.DictReader(file)]
    finally:
        cv2.setNumThreads(threads)


def write(folder: Path, values: list[float]) -> None:
    """Write losses down."""
    lines = ["step,loss", *(f"{step},{value:.6f}" for step, value in enumerate(values, start=1))]
    (folder / LOSSES_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")


def written(folder: Path) -> list[float]:
    """The losses that were written down; raises `TrainingError` if they are missing."""
    path = folder / LOSSES_NAME
    if not path.is_file():
        raise TrainingError(f"no golden curve at {path}: run `python -m train golden --write`")
    with path.open(newline="", encoding="utf-8") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def _images(folder: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    path = folder / IMAGES_NAME
    if not path.is_file():
        raise TrainingError(f"no images of the golden curve at {path}: run `python -m train golden --write`")
    with np.load(path) as content:
        return content["images_NHW"], content["labels_NHW"]
