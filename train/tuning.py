"""Thresholds of the post-processing, tuned on simulation and on the training part of the ice alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from engine.backends import create_backend
from engine.card import load_card
from engine.postprocess import postprocess
from engine.preprocess import preprocess
from engine.tiling import infer_tiled, plan
from monitor.simulation import PRESETS, SimulatedMicroscope
from train.evaluation.simulated import Sight
from train.ice_frames import read_frame, training_part
from train.metrics.area_bias import Measured, measure_areas
from train.metrics.overlap import areas_px
from train.metrics.pixels import PixelCounts, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from engine.thresholds import Thresholds

LEAST_DIAMETER_PX = 20
"""Crystals from this diameter are tuned on, px."""
TUNING_SEED = 4242
"""Seed of the simulated runs tuned on; evaluation uses others."""
TUNING_PRESETS = ("demo", "static", "merging", "dense", "needles", "ripening")
TUNING_ICE = (2, 8, 14, 20, 23)
CONTACT_THRESHOLDS = (0.03, 0.06, 0.1, 0.15, 0.3, 0.5)
CRYSTAL_THRESHOLDS = (0.45, 0.5, 0.55)


@dataclass(frozen=True)
class Maps:
    """Probability maps of a sight, computed once for all thresholds."""

    source: str
    sight: Sight
    crystal_HW: npt.NDArray[np.float32]
    contact_HW: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Trial:
    """What thresholds give on one source."""

    source: str
    thresholds: Thresholds
    iou: float
    found_share: float
    """Crystals from 20 px that a body matches."""
    free_bias: float
    """Median area bias of crystals from 20 px that touch no other."""
    bias: float
    """Median area bias of all crystals from 20 px."""
    count_ratio: float
    """Bodies over crystals, border ones included."""


def probability_maps(weights: str, data: Path | None, threads: int) -> list[Maps]:
    """Maps of the tuning's simulated frames and of the training part of some ice frames."""
    card = load_card(weights)
    backend = create_backend("auto", card, threads=threads, cache=None)
    found = []
    for source, sight in _sights(data):
        image = preprocess(sight.image_HW)
        axes = plan(*image.shape, tile=card.tile_px, overlap=card.tile_overlap_px, stride=card.network.stride)
        crystal, contact = infer_tiled(image, axes, backend.infer)
        found.append(Maps(source, sight, crystal, contact))
    backend.close()
    return found


def _sights(data: Path | None) -> Iterator[tuple[str, Sight]]:
    for preset in TUNING_PRESETS:
        settings = PRESETS[preset].model_copy(update={"seed": TUNING_SEED})
        microscope = SimulatedMicroscope(settings)
        for share in (0.3, 0.6, 0.9):
            shot = microscope.at(share * settings.duration_s)
            areas = {crystal.id: crystal.area_px for crystal in shot.truth.crystals}
            yield preset, Sight(np.asarray(shot.image_HW, np.uint8), shot.labels_HW, areas)
    if data is None:
        return
    for number in TUNING_ICE:
        part = training_part(read_frame(data, number))
        areas_of_labels = {label: float(area) for label, area in areas_px(part.labels_HW).items()}
        image = np.ascontiguousarray(part.image_HW)
        yield "ice", Sight(image, np.ascontiguousarray(part.labels_HW), areas_of_labels)


def try_thresholds(maps: Iterable[Maps], thresholds: Thresholds) -> list[Trial]:
    """One row for each source of maps."""
    by_source: dict[str, list[tuple[Maps, npt.NDArray[np.int32]]]] = {}
    for one in maps:
        labels = postprocess(one.crystal_HW, one.contact_HW, thresholds).labels_HW
        by_source.setdefault(one.source, []).append((one, labels))
    return [_trial(source, thresholds, rows) for source, rows in by_source.items()]


def _trial(source: str, thresholds: Thresholds, rows: list[tuple[Maps, npt.NDArray[np.int32]]]) -> Trial:
    pixels, said, true = PixelCounts(), 0, 0
    crystals: list[Measured] = []
    for one, labels in rows:
        pixels += compare(labels > 0, one.sight.labels_HW > 0)
        crystals += measure_areas(labels, one.sight.labels_HW, one.sight.areas_px)
        said += len(areas_px(labels))
        true += len(areas_px(one.sight.labels_HW))
    large = [crystal for crystal in crystals if crystal.diameter_px >= LEAST_DIAMETER_PX]
    ratios = [crystal.area_ratio for crystal in large if crystal.area_ratio is not None]
    free = [c.area_ratio for c in large if c.area_ratio is not None and not c.touching]
    return Trial(
        source,
        thresholds,
        pixels.iou,
        len(ratios) / max(len(large), 1),
        float(np.median(free)) - 1 if free else float("nan"),
        float(np.median(ratios)) - 1 if ratios else float("nan"),
        said / max(true, 1),
    )


def candidates(start: Thresholds) -> list[Thresholds]:
    """Every pair of crystal and contact threshold, the other thresholds as in `start`."""
    return [
        replace(start, crystal=crystal, contact=contact)
        for crystal, contact in product(CRYSTAL_THRESHOLDS, CONTACT_THRESHOLDS)
    ]
