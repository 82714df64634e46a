"""The stream of crops: crop number n is the same with any number of workers and after any resume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from train.augmentation import augment
from train.batch import Batch, Crop, crop_of, stack
from train.team import ALONE, Team

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from train.configuration import TrainingConfiguration


class CropSource(Protocol):
    """Where crops come from. It is copied into the processes that make crops."""

    def crop(
        self, rng: np.random.Generator, side_px: int
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
        """Image uint8 and labels int32, both (side, side), drawn by the generator alone."""


class Crops(Dataset["Crop"]):
    """Crops by number, augmented, with their targets."""

    def __init__(self, configuration: TrainingConfiguration, source: CropSource) -> None:
        """Take crops from a source."""
        self._configuration, self._source = configuration, source

    def __getitem__(self, number: int) -> Crop:
        """Crop `number`, made from the configuration's seed and that number alone."""
        configuration = self._configuration
        rng = np.random.default_rng([configuration.seed, number])
        image, labels = self._source.crop(rng, configuration.crop_px)
        image, labels = augment(image, labels, configuration.augmentation, rng)
        return crop_of(image, labels, configuration.loss.contact_width_px)


class Onward(Sampler[int]):
    """Every so many numbers from `first` to before `end`, in order."""

    def __init__(self, first: int, end: int, stride: int = 1) -> None:
        """Count from `first`."""
        self._numbers = range(first, end, stride)

    def __iter__(self) -> Iterator[int]:
        """Count."""
        return iter(self._numbers)

    def __len__(self) -> int:
        """How many."""
        return len(self._numbers)


def batches(
    configuration: TrainingConfiguration, source: CropSource, step: int, workers: int, team: Team = ALONE
) -> DataLoader[Batch]:
    """This process's share of the batches from step `step` to the run's end; 0 workers: made in this process.

    Crops are dealt in turn, so that the shares of a step together are the batch that one process would take.
    """
    first, end = step * configuration.batch, configuration.steps * configuration.batch
    return DataLoader(
        Crops(configuration, source),  # type: ignore[arg-type]  # it loads batches of what the set holds
        batch_size=team.share_of(configuration.batch),
        sampler=Onward(first + team.rank, end, team.size),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        # A fork of a process in which OpenCV or the engine have threads waits for ever: they are not in it.
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=_one_thread if workers else None,
        collate_fn=stack,
    )


def _one_thread(_worker: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
