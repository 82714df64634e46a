"""Endless varied stills with exact labels: what the network is trained on.

Every still comes from one of the scene families of `SCENE_FAMILIES`, drawn with the same bodies
and the same renderer as the simulated microscope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor.simulation.scene_families import SCENE_FAMILIES

if TYPE_CHECKING:
    import numpy.typing as npt


def training_scene(
    rng: np.random.Generator, height_px: int = 256, width_px: int = 256, family: str | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """One still: image (height, width) uint8 and labels (height, width) int32, 0 = background.

    `family` picks one of `SCENE_FAMILIES`; by default one is drawn by its weight. Deterministic in
    the state of `rng`.
    """
    if family is None:
        names = list(SCENE_FAMILIES)
        weights = np.array([SCENE_FAMILIES[name].weight for name in names])
        family = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    return SCENE_FAMILIES[family].make(rng, height_px, width_px)
