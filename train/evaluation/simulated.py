"""The simulation against its exact truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.simulation import PRESETS, SCENE_FAMILIES, SimulatedMicroscope, training_scene
from train.metrics import ScoreSheet
from train.metrics.area_bias import by_size
from train.metrics.overlap import areas_px

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from train.segmenting import Segment

STILLS_SEED = 1_000_003
"""Seed of the stills; no training run uses it."""
RUN_SEEDS = (9001, 9002)
"""Seeds of the simulated runs."""
MOMENTS = (0.2, 0.5, 0.95)
"""Moments of a run at which it is looked at, as shares of its length."""


@dataclass(frozen=True)
class Sight:
    """An image with its truth.

    Attributes:
        image_HW: uint8.
        labels_HW: int32.
        areas_px: exact area of each label, px²; of a still, its count of pixels.
    """

    image_HW: npt.NDArray[np.uint8]
    labels_HW: npt.NDArray[np.int32]
    areas_px: dict[int, float]


def stills(family: str, count: int, side_px: int = 384) -> Iterator[Sight]:
    """Stills of a scene family."""
    rng = np.random.default_rng([STILLS_SEED, sorted(SCENE_FAMILIES).index(family)])
    for _ in range(count):
        image, labels = training_scene(rng, side_px, side_px, family)
        yield Sight(image, labels, {label: float(area) for label, area in areas_px(labels).items()})


def run_frames(preset: str) -> Iterator[Sight]:
    """Frames of simulated runs of a preset."""
    for seed in RUN_SEEDS:
        settings = PRESETS[preset].model_copy(update={"seed": seed})
        microscope = SimulatedMicroscope(settings)
        for share in MOMENTS:
            shot = microscope.at(share * settings.duration_s)
            areas = {crystal.id: crystal.area_px for crystal in shot.truth.crystals}
            yield Sight(np.asarray(shot.image_HW, np.uint8), shot.labels_HW, areas)


def evaluate_simulation(segment: Segment, stills_a_family: int = 12) -> dict[str, Any]:
    """Scores of runs of every preset and of stills of every family; over all runs, of all and of lone crystals."""
    runs = {preset: _sheet(segment, run_frames(preset)) for preset in PRESETS}
    families = {family: _sheet(segment, stills(family, stills_a_family)) for family in SCENE_FAMILIES}
    crystals = [crystal for sheet in runs.values() for crystal in sheet.crystals]
    lone = [crystal for crystal in crystals if not crystal.touching]
    return {
        "runs_by_size": [row.model_dump() for row in by_size(crystals)],
        "lone_by_size": [row.model_dump() for row in by_size(lone)],
        "runs": {name: sheet.scores().model_dump() for name, sheet in runs.items()},
        "stills": {name: sheet.scores().model_dump() for name, sheet in families.items()},
    }


def _sheet(segment: Segment, sights: Iterator[Sight]) -> ScoreSheet:
    sheet = ScoreSheet(instances=True)
    for number, sight in enumerate(sights):
        sheet.add(str(number), segment(sight.image_HW), sight.labels_HW, sight.areas_px)
    return sheet
