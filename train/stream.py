"""The stream of crops: crop number n is the same with any number of workers and after any resume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from engine.preprocess import normalise
from monitor.simulation import SCENE_FAMILIES, training_scene
from train.augmentation import augment
from train.contact import targets
from train.ice_crops import IceCrops, resized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from train.configuration import TrainingConfiguration

    Crop = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


class Crops(Dataset["Crop"]):
    """Crops by number: normalised image (1, side, side) and targets (2, side, side), float32."""

    def __init__(self, configuration: TrainingConfiguration, data: Path | None) -> None:
        """Mix simulation with the ice frames of folder `data`; None: simulation alone."""
        self._configuration = configuration
        mix = configuration.mix
        self._ice = IceCrops(data) if data is not None and mix.ice_share > 0 else None
        shares = mix.family_weights or {name: family.weight for name, family in SCENE_FAMILIES.items()}
        self._families = sorted(shares)
        weights = np.array([shares[name] for name in self._families])
        self._shares = weights / weights.sum()

    def __getitem__(self, number: int) -> Crop:
        """Crop `number`, made from the configuration's seed and that number alone."""
        configuration = self._configuration
        rng = np.random.default_rng([configuration.seed, number])
        image, labels = self._still(rng)
        image, labels = augment(image, labels, configuration.augmentation, rng)
        return normalise(image)[None], targets(labels, configuration.loss.contact_width_px)

    def _still(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
        mix, side = self._configuration.mix, self._configuration.crop_px
        if rng.random() < mix.ice_share and self._ice is not None:
            return self._ice.crop(rng, side, mix)
        family = self._families[int(rng.choice(len(self._families), p=self._shares))]
        if rng.random() < mix.reduced_share:
            drawn = max(side, mix.reduced_from_px)
            return resized(*training_scene(rng, drawn, drawn, family), side)
        return training_scene(rng, side, side, family)


class Onward(Sampler[int]):
    """Numbers from `first` to before `end`, in order."""

    def __init__(self, first: int, end: int) -> None:
        """Count from `first`."""
        self._numbers = range(first, end)

    def __iter__(self) -> Iterator[int]:
        """Count."""
        return iter(self._numbers)

    def __len__(self) -> int:
        """How many."""
        return len(self._numbers)


def batches(
    configuration: TrainingConfiguration, data: Path | None, step: int, workers: int
) -> DataLoader[Crop]:
    """Batches of (images_BCHW, targets_BCHW) from step `step` to the run's end; 0 workers: made here."""
    first, end = step * configuration.batch, configuration.steps * configuration.batch
    return DataLoader(
        Crops(configuration, data),
        batch_size=configuration.batch,
        sampler=Onward(first, end),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_one_thread if workers else None,
    )


def _one_thread(_worker: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
