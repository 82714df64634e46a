"""The sets that networks are compared on: what a fold learns from, is looked at on, and is tested on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from monitor.simulation import SCENE_FAMILIES, training_scene
from train.configuration import MixConfiguration
from train.data.manifest import read_manifest
from train.data.splits import read_splits
from train.errors import TrainingError
from train.evaluation.suspension import MANIFEST, reduced
from train.frame_crops import FrameCrops, Zoom
from train.mixed_crops import MixedCrops

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from train.stream import CropSource

SPLITS = MANIFEST.with_name("suspension-folds.json")
"""The folds of `suspension`."""


@dataclass(frozen=True)
class LabelledFrame:
    """One frame with its truth.

    Attributes:
        name: unique in its set.
        image_HW: uint8.
        labels_HW: int32, 0 = background.
    """

    name: str
    image_HW: npt.NDArray[np.uint8]
    labels_HW: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Parts:
    """What a fold is made of.

    Attributes:
        source: crops to learn from; None of them comes from the other parts.
        learned: frames whose crops those are, or (of an endless source) a sample of its like, for what is tuned
            on whole frames: thresholds, the class ratio.
        validation: looked at while training.
        test: looked at once.
    """

    source: CropSource
    learned: tuple[LabelledFrame, ...]
    validation: tuple[LabelledFrame, ...]
    test: tuple[LabelledFrame, ...]

    def positive_weight(self) -> float:
        """Background pixels over crystal pixels where it learns: the paper's ω."""
        crystal = sum(int((frame.labels_HW > 0).sum()) for frame in self.learned)
        pixels = sum(frame.labels_HW.size for frame in self.learned)
        if crystal == 0:
            raise TrainingError("no crystal in the training part: nothing can be learned from it")
        return (pixels - crystal) / crystal


class ComparisonSet(Protocol):
    """A set with its folds."""

    @property
    def instances(self) -> bool:
        """Whether its truth tells touching crystals apart."""

    @property
    def folds(self) -> int:
        """How many folds it has."""

    def parts(self, fold: int) -> Parts:
        """Parts of a fold; the same at every call."""


@dataclass
class SuspensionSet:
    """The seven real frames, at half resolution, in folds by frame. No weights that ship are trained on it."""

    data: Path
    """Folder of the real images."""
    zoom: Zoom
    """How crops are cut."""
    instances: bool = False
    _frames: dict[str, LabelledFrame] = field(default_factory=dict, repr=False)

    @property
    def folds(self) -> int:
        """How many folds the split has."""
        return len(read_splits(SPLITS, read_manifest(MANIFEST)).folds)

    def parts(self, fold: int) -> Parts:
        """Frames of a fold; the split is verified for leaks."""
        if not self._frames:
            for item in read_manifest(MANIFEST).items(self.data / "suspension"):
                self._frames[item.name] = LabelledFrame(item.name, *reduced(item))
        names = read_splits(SPLITS, read_manifest(MANIFEST)).folds[fold]
        learned, validation, test = (
            tuple(self._frames[name] for name in part) for part in (names.train, names.validation, names.test)
        )
        source = FrameCrops([(frame.image_HW, frame.labels_HW) for frame in learned], self.zoom)
        return Parts(source, learned, validation, test)


@dataclass
class SimulationSet:
    """Simulated stills of every family: an endless stream to learn from, stills of other seeds to be tested on."""

    mix: MixConfiguration
    """Shares of the families; no ice."""
    stills: int = 8
    """Stills of each family in the test."""
    side_px: int = 384
    """Side of a still, px."""
    instances: bool = True
    folds: int = 1

    def parts(self, fold: int) -> Parts:
        """Parts of the one fold."""
        families = sorted(SCENE_FAMILIES)
        return Parts(
            MixedCrops(self.mix, None),
            self._stills(3_000_017, families, 2),
            self._stills(2_000_003, families, 1),
            self._stills(1_000_003, families, self.stills),
        )

    def _stills(self, seed: int, families: Sequence[str], count: int) -> tuple[LabelledFrame, ...]:
        """Stills by a seed that no training run uses (a run's crops are drawn by pairs of seed and number)."""
        frames = []
        for index, family in enumerate(families):
            rng = np.random.default_rng([seed, index, 0])
            for number in range(count):
                scene = training_scene(rng, self.side_px, self.side_px, family)
                frames.append(LabelledFrame(f"{family}-{number}", *scene))
        return tuple(frames)
