"""The crops of the weights that ship: simulation, and the ice frames where their folder is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor.simulation import SCENE_FAMILIES, training_scene
from train.frame_crops import FrameCrops, Zoom, resized
from train.ice_frames import TRAINING_FRAMES, read_frame, training_part

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from train.configuration import MixConfiguration


def ice_crops(folder: Path, mix: MixConfiguration) -> FrameCrops:
    """The parts of the ice frames that may be learned from (about 60 MB); raises `TrainingError` if one is missing."""
    parts = [training_part(read_frame(folder, number)) for number in TRAINING_FRAMES]
    return FrameCrops(
        [(part.image_HW, part.labels_HW) for part in parts], Zoom(mix.ice_zoom_low, mix.ice_zoom_high)
    )


class MixedCrops:
    """An endless stream of simulated scenes, mixed with ice."""

    def __init__(self, mix: MixConfiguration, data: Path | None) -> None:
        """Mix simulation with the ice frames of folder `data`; None: simulation alone."""
        self._mix = mix
        self._ice = ice_crops(data, mix) if data is not None and mix.ice_share > 0 else None
        shares = mix.family_weights or {name: family.weight for name, family in SCENE_FAMILIES.items()}
        self._families = sorted(shares)
        weights = np.array([shares[name] for name in self._families])
        self._shares = weights / weights.sum()

    def crop(
        self, rng: np.random.Generator, side_px: int
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
        """A scene rendered for this crop alone, or a square of an ice frame."""
        mix = self._mix
        if rng.random() < mix.ice_share and self._ice is not None:
            return self._ice.crop(rng, side_px)
        family = self._families[int(rng.choice(len(self._families), p=self._shares))]
        if rng.random() < mix.reduced_share:
            drawn = max(side_px, mix.reduced_from_px)
            return resized(*training_scene(rng, drawn, drawn, family), side_px)
        return training_scene(rng, side_px, side_px, family)
