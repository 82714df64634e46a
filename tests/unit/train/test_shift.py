from __future__ import annotations

import numpy as np
import pytest

from engine.thresholds import Thresholds
from monitor.simulation import PRESETS, SimulatedMicroscope
from train.evaluation.simulated import Sight
from train.shift import shifted, try_shift
from train.tuning import Maps


def test_a_shift_moves_the_logit() -> None:
    probability = np.array([[0.02, 0.5, 0.9]], np.float32)
    logit = np.log(probability / (1 - probability))
    moved = shifted(probability, 0.4)
    np.testing.assert_allclose(np.log(moved / (1 - moved)), logit + 0.4, atol=1e-5)
    np.testing.assert_array_equal(shifted(np.array([[0.0, 1.0]], np.float32), -0.3), [[0, 1]])


def test_the_error_of_area_grows_with_the_shift_and_is_none_where_the_map_is_the_truth() -> None:
    settings = PRESETS["demo"].model_copy(update={"seed": 3})
    shot = SimulatedMicroscope(settings).at(0.9 * settings.duration_s)
    areas = {crystal.id: crystal.area_px for crystal in shot.truth.crystals}
    sight = Sight(np.asarray(shot.image_HW, np.uint8), shot.labels_HW, areas)
    import cv2

    soft = cv2.GaussianBlur((shot.labels_HW > 0).astype(np.float32), (0, 0), 0.8)
    one = Maps("demo", sight, soft, np.zeros_like(soft))
    errors = [try_shift([one], Thresholds(), shift).by_source["demo"] for shift in (-0.3, 0.0, 0.3)]
    assert errors == sorted(errors)
    assert errors[1] == pytest.approx(0, abs=0.01)
    assert errors[2] - errors[0] > 0.01
