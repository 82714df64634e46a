"""Frames in tiles have no seams: a crystal across one is one crystal, as large as it would be elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import Segmenter
from engine.tiling import plan, windows
from monitor.measure import measure
from monitor.settings.measuring import MeasuringSettings
from monitor.simulation import PRESETS, SimulatedMicroscope

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SIDE_PX = 2048
LARGE_PX = 400.0


@dataclass(frozen=True)
class Field:
    """Crystals of a large frame, one entry each; those that are whole and of 400 px² or more."""

    ratio: NDArray[np.float64]
    """Measured over true area."""
    across: NDArray[np.bool_]
    """Whether tiles share it: no tile has all of it to itself."""
    bodies: NDArray[np.int64]
    """Bodies that hold a tenth of it or more."""


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    static = PRESETS["static"]
    nucleation = static.nucleation.model_copy(
        update={"seeds": 420, "seed_diameter_um": 24.0, "seed_spacing": 1.3}
    )
    optics = static.optics.model_copy(update={"vibration_px": 0.0})
    scope = SimulatedMicroscope(
        static.model_copy(
            update={"width_px": SIDE_PX, "height_px": SIDE_PX, "nucleation": nucleation, "optics": optics}
        )
    )
    shot = scope.at(0.0)
    segmenter = Segmenter(cache=Path(tmp_path_factory.mktemp("cache")))
    found = segmenter.segment(shot.image_HW)
    card = segmenter.card
    axes = plan(SIDE_PX, SIDE_PX, tile=card.tile_px, overlap=card.tile_overlap_px, stride=card.network.stride)
    segmenter.close()
    assert found.tiles > 1, "the control: the frame goes in tiles"
    whole_HW = np.zeros((SIDE_PX, SIDE_PX), bool)
    for window in windows(axes):
        whole_HW[window.rows, window.columns] |= window.weights_HW > 0.99
    areas = {
        each.label: each.area_px
        for each in measure(found.labels_HW, found.probability_HW, found.scores, None, MeasuringSettings())
    }
    ratio, across, bodies = [], [], []
    for crystal in shot.truth.crystals:
        if crystal.touches_border or crystal.in_contact or crystal.area_px < LARGE_PX:
            continue
        inside_HW = shot.labels_HW == crystal.id
        labels = np.bincount(found.labels_HW[inside_HW], minlength=2)
        labels[0] = 0
        ratio.append(areas.get(int(labels.argmax()), 0.0) / crystal.area_px)
        bodies.append(int((labels > 0.1 * inside_HW.sum()).sum()))
        across.append(not whole_HW[inside_HW].all())
    return Field(np.array(ratio), np.array(across), np.array(bodies))


def test_a_crystal_across_a_seam_is_one_crystal(field: Field) -> None:
    assert field.across.sum() > 60, "the control: many crystals lie across seams"
    assert (field.bodies[field.across] == 1).mean() >= (field.bodies[~field.across] == 1).mean() - 0.02
    assert (field.bodies[field.across] > 1).sum() == 0


def test_its_area_is_right_within_half_a_percent(field: Field) -> None:
    seen = field.ratio > 0.5
    here, elsewhere = field.ratio[seen & field.across], field.ratio[seen & ~field.across]
    assert abs(np.median(here) / np.median(elsewhere) - 1) <= 0.005
    assert np.percentile(np.abs(here - np.median(elsewhere)), 90) <= 1.3 * np.percentile(
        np.abs(elsewhere - np.median(elsewhere)), 90
    ), "nor do they scatter more"
