"""The simulation against its exact truth: area bias by size class, crystals found, pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.simulation import PRESETS, SCENE_FAMILIES, SimulatedMicroscope, training_scene
from train.evaluation.calibration import CalibrationCurve
from train.evaluation.matching import areas_px, matches, touches_border
from train.evaluation.pixel_scores import PixelCounts, compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from train.evaluation.segmenting import Segment

AREA_BIAS_LIMIT = 0.03
SIZE_CLASSES_PX = ((5, 10), (10, 20), (20, 40), (40, 80), (80, 400))
"""Bounds of the equivalent diameter of each class, px."""
LEAST_DIAMETER_PX = 20
"""The limit holds from this diameter."""
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


@dataclass(frozen=True)
class Measured:
    """One crystal: true diameter, and area found over true area (None: not found)."""

    diameter_px: float
    area_ratio: float | None
    touching: bool


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


def measure(sight: Sight, said_HW: npt.NDArray[np.int32]) -> list[Measured]:
    """Every crystal that the border does not cut."""
    found, said = matches(said_HW, sight.labels_HW), areas_px(said_HW)
    cut = touches_border(sight.labels_HW)
    touching = touching_labels(sight.labels_HW)
    result = []
    for label, area in sight.areas_px.items():
        if label in cut or area <= 0:
            continue
        ratio = said[found[label]] / area if label in found else None
        result.append(Measured(2 * float(np.sqrt(area / np.pi)), ratio, label in touching))
    return result


def touching_labels(labels_HW: npt.NDArray[np.int32]) -> set[int]:
    """Labels that adjoin another."""
    pairs = []
    for one, other in ((labels_HW[:, 1:], labels_HW[:, :-1]), (labels_HW[1:], labels_HW[:-1])):
        met = (one != other) & (one > 0) & (other > 0)
        pairs += [one[met], other[met]]
    return {int(label) for label in np.unique(np.concatenate(pairs))}


def bias_by_size(crystals: list[Measured]) -> dict[str, dict[str, float | int]]:
    """Of each size class: number, share found, median and mean area bias of those found."""
    table: dict[str, dict[str, float | int]] = {}
    for low, high in (*SIZE_CLASSES_PX, (LEAST_DIAMETER_PX, 100_000)):
        mine = [c for c in crystals if low <= c.diameter_px < high]
        ratios = [c.area_ratio for c in mine if c.area_ratio is not None]
        if ratios:
            table[f"{low}-{high} px" if high < 100_000 else f"from {low} px"] = {
                "crystals": len(mine),
                "found_share": round(len(ratios) / len(mine), 4),
                "bias_median": round(float(np.median(ratios)) - 1, 4),
                "bias_mean": round(float(np.mean(ratios)) - 1, 4),
            }
    return table


def evaluate_simulation(segment: Segment, stills_a_family: int = 12) -> dict[str, Any]:
    """Figures by preset of the simulated microscope and by family of stills."""
    runs, families = {}, {}
    everything: list[Measured] = []
    curve = CalibrationCurve()
    for preset in PRESETS:
        crystals, pixels, spurious = _over(segment, run_frames(preset), curve)
        everything += crystals
        runs[preset] = {**pixels.figures(), "spurious_a_frame": spurious, "by_size": bias_by_size(crystals)}
    for family in SCENE_FAMILIES:
        crystals, pixels, spurious = _over(segment, stills(family, stills_a_family), curve)
        families[family] = {
            **pixels.figures(),
            "spurious_a_frame": spurious,
            "by_size": bias_by_size(crystals),
        }
    free = [crystal for crystal in everything if not crystal.touching]
    return {
        "area_bias_limit": AREA_BIAS_LIMIT,
        "runs_by_size": bias_by_size(everything),
        "runs_free_by_size": bias_by_size(free),
        "calibration": curve.figures(),
        "runs": runs,
        "stills": families,
    }


def _over(
    segment: Segment, sights: Iterator[Sight], curve: CalibrationCurve
) -> tuple[list[Measured], PixelCounts, float]:
    crystals: list[Measured] = []
    pixels, spurious, frames = PixelCounts(), 0, 0
    for sight in sights:
        found = segment(sight.image_HW)
        said_HW = found.labels_HW
        curve.add(found.probability_HW, sight.labels_HW > 0)
        crystals += measure(sight, said_HW)
        pixels += compare(said_HW > 0, sight.labels_HW > 0)
        spurious += _spurious(said_HW, sight.labels_HW)
        frames += 1
    return crystals, pixels, round(spurious / max(frames, 1), 2)


def _spurious(said_HW: npt.NDArray[np.int32], true_HW: npt.NDArray[np.int32]) -> int:
    """Bodies of which less than a tenth is crystal."""
    said = np.bincount(said_HW.ravel())
    right = np.bincount(said_HW[true_HW > 0], minlength=len(said))
    return int(((said > 0) & (right < 0.1 * said))[1:].sum())
