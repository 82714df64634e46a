"""The tracker on the exact labels of the simulated microscope, and on labels whose touching crystals flicker
into one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from monitor.measure import measure
from monitor.settings.measuring import MeasuringSettings
from monitor.settings.tracking import TrackingSettings
from monitor.simulation import PRESETS, SimulatedMicroscope
from monitor.tracker import TrackerInput, TrackerState, step

FRAMES = 24


@pytest.mark.parametrize("fused_share", [0.0, 0.4])
@pytest.mark.parametrize(("preset", "interval_s"), [("static", 30.0), ("demo", 50.0), ("needles", 50.0)])
def test_every_crystal_keeps_its_number(preset: str, interval_s: float, fused_share: float) -> None:
    microscope = SimulatedMicroscope(PRESETS[preset])
    rng = np.random.default_rng(1)
    state = TrackerState()
    true_of: dict[int, int] = {}
    points = confirmed_births = 0
    for index in range(FRAMES):
        shot = microscope.at(index * interval_s)
        labels_HW = shot.labels_HW.astype(np.int32)
        if rng.random() < fused_share:
            body_HW = (labels_HW > 0).astype(np.uint8)
            labels_HW = np.asarray(cv2.connectedComponents(body_HW, connectivity=8)[1], np.int32)
        seen = measure(labels_HW, None, None, None, MeasuringSettings())
        given = TrackerInput(index, index * interval_s, labels_HW, seen)
        state, result = step(state, given, TrackingSettings())
        confirmed_births += sum(birth.kind.value in ("born", "present_at_start") for birth in result.born)
        for point in (each for each in result.updated if each.confirmed):
            inside = shot.labels_HW[labels_HW == point.observation.label]
            true = int(np.bincount(inside[inside > 0]).argmax())
            assert true_of.setdefault(point.crystal_id, true) == true, "a number went over to another crystal"
            points += 1
        assert result.ended == ()
    assert points > 100
    assert len(set(true_of.values())) == len(true_of), "a crystal has two numbers"
    assert confirmed_births >= 0.8 * len(true_of)
