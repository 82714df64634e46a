"""Scores and matching on small images that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from train.evaluation.calibration import CalibrationCurve
from train.evaluation.film_threshold import SEED_XY, central_crystal
from train.evaluation.matching import areas_px, matches, touches_border
from train.evaluation.pixel_scores import PixelCounts, compare
from train.evaluation.simulated import Measured, Sight, bias_by_size, measure


def test_pixel_scores_of_a_hand_count():
    said, true = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    said[0, :3] = True
    true[0, 1:] = True
    counts = compare(said, true)
    assert counts == PixelCounts(both=2, said_only=1, true_only=1)
    assert counts.iou == pytest.approx(0.5)
    assert counts.f1 == pytest.approx(2 / 3)
    pooled = counts + PixelCounts(both=2)
    assert pooled.iou == pytest.approx(4 / 6)


def test_matching_needs_more_than_half():
    true = np.zeros((6, 6), np.int32)
    true[1:3, 1:5] = 4
    true[4, 1:5] = 9
    said = np.zeros_like(true)
    said[1:3, 1:4] = 2  # IoU 6/8 with crystal 4
    said[4, 1:3] = 5  # IoU 2/4 with crystal 9: not above a half
    assert matches(said, true) == {4: 2}
    assert areas_px(true) == {4: 8, 9: 4}
    assert touches_border(true) == set()
    true[0, 0] = 3
    assert touches_border(true) == {3}


def test_area_bias_of_a_body_that_is_a_tenth_too_large():
    labels = np.zeros((80, 80), np.int32)
    labels[20:50, 20:50] = 1
    said = np.zeros_like(labels)
    said[20:53, 20:50] = 7
    (crystal,) = measure(Sight(np.zeros((80, 80), np.uint8), labels, {1: 900.0}), said)
    assert crystal.area_ratio == pytest.approx(1.1)
    table = bias_by_size([crystal, Measured(30.0, None, False)])
    assert table["from 20 px"]["bias_median"] == pytest.approx(0.1)
    assert table["from 20 px"]["found_share"] == pytest.approx(0.5)


def test_calibration_of_a_probability_that_is_right():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0, 1, (400, 400)).astype(np.float32)
    right, wrong = CalibrationCurve(), CalibrationCurve()
    right.add(probability, rng.uniform(0, 1, probability.shape) < probability)
    wrong.add(probability, rng.uniform(0, 1, probability.shape) < 0.5)
    assert right.figures()["expected_calibration_error"] < 0.01
    assert wrong.figures()["expected_calibration_error"] > 0.2


def test_thresholding_finds_a_dark_domain_beside_burned_in_marks():
    image = np.full((303, 288), 70, np.uint8)
    y, x = np.mgrid[0:303, 0:288]
    disc = (x - SEED_XY[0]) ** 2 + (y - SEED_XY[1]) ** 2 < 45**2
    image[disc] = 52
    image[250:270, 200:] = 255
    noise = np.random.default_rng(1).normal(0, 3, image.shape)
    noisy = np.clip(image + np.where(image < 255, noise, 0), 0, 255).astype(np.uint8)
    assert central_crystal(noisy).sum() == pytest.approx(disc.sum(), rel=0.02)
