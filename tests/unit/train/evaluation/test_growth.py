"""Growth through the daemon's own stages: a case worked by hand, and segmenters that are right, wrong or blind."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from monitor.simulation import PRESETS, SimulatedMicroscope
from monitor.simulation.recovery import compare
from train.evaluation.growth import NO_SUMMARY, evaluate_growth, follow, scores_of
from train.segmenting import Found

UM_PER_PX = 0.5
INTERVAL_S = 50.0


def _disc(diameter_px, x, y, side=120):
    """Coverage 0..1 of each pixel by a disc."""
    rows, columns = np.mgrid[:side, :side]
    return np.clip(diameter_px / 2 - np.hypot(columns - x, rows - y) + 0.5, 0, 1).astype(np.float32)


def _discs(elapsed_s):
    """Two crystals at 0.02 and 0.03 px/s, the first there from the start, the second born at 400 s."""
    first = _disc(20 + 0.02 * elapsed_s, 30, 30)
    return first if elapsed_s <= 400 else np.maximum(first, _disc(0.03 * (elapsed_s - 400), 85, 85))


def _seen(image_HW):
    """What a perfect segmenter makes of a frame whose grey levels are coverage."""
    coverage = image_HW.astype(np.float32) / 255
    _, labels = cv2.connectedComponents((coverage >= 0.5).astype(np.uint8))
    return Found(labels.astype(np.int32), {}, coverage)


def test_two_discs_by_hand():
    frames = [
        (index * INTERVAL_S, np.rint(255 * _discs(index * INTERVAL_S)).astype(np.uint8))
        for index in range(40)
    ]
    followed = follow(frames, _seen, UM_PER_PX)
    assert [trail["birth_kind"] for trail in followed.trails] == ["present_at_start", "born"]
    last = {point["crystal_id"]: point for point in followed.points}
    for number, true_rate in ((1, 0.02 * UM_PER_PX), (2, 0.03 * UM_PER_PX)):
        point = last[number]
        assert point["growth_rate_um_per_s"] == pytest.approx(true_rate, rel=0.01)
        assert point["growth_rate_low_um_per_s"] < true_rate < point["growth_rate_high_um_per_s"]
    assert last[1]["equivalent_diameter_px"] == pytest.approx(20 + 0.02 * 39 * INTERVAL_S, rel=0.005)
    assert followed.trails[1]["birth_s"] == pytest.approx(400, abs=INTERVAL_S)
    first_seen_s = min(p["elapsed_s"] for p in followed.points if p["crystal_id"] == 2)
    assert first_seen_s <= 500  # its points before it was confirmed are there


SETTINGS = PRESETS["demo"].model_copy(update={"width_px": 256, "height_px": 256, "seed": 3})


def _run(widened_px=0):
    """A run by a segmenter that knows the truth, with every crystal made wider all around."""
    microscope = SimulatedMicroscope(SETTINGS)
    moments = [index * 60.0 for index in range(40)]
    truth = iter([microscope.at(moment).labels_HW.astype(np.int32) for moment in moments])

    def segment(_image):
        labels = next(truth)
        if widened_px:
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * widened_px + 1,) * 2)
            wide = cv2.dilate(labels.astype(np.float32), disc).astype(np.int32)
            labels = np.where(labels > 0, labels, wide)
        return Found(labels, {}, None)

    sights = ((moment, np.asarray(microscope.render_only(moment))) for moment in moments)
    followed = follow(sights, segment, SETTINGS.um_per_px)
    return compare(SETTINGS, followed.trails, followed.points, NO_SUMMARY)


def test_a_segmenter_that_is_right_has_small_errors_and_finds_births():
    right = _run()
    scores = scores_of([right])
    assert scores.rates > 30, "the control: there are rates to judge"
    assert scores.rate_error_median < 0.03
    assert abs(scores.rate_bias_median) < 0.02
    assert scores.births_found >= 0.9 * scores.births_true > 3
    assert scores.identity_switches == 0
    assert right.area_bias == pytest.approx(0, abs=0.01)
    # a constant rim is an error of area, and none of the rate of a diameter
    wide = _run(widened_px=1)
    assert wide.area_bias > 0.05
    assert scores_of([wide]).rate_error_median < 0.05


def test_a_segmenter_that_sees_nothing_has_nothing_to_say():
    def blind(image_HW):
        return Found(np.zeros(image_HW.shape, np.int32), {}, None)

    figures = evaluate_growth(blind, presets=("demo",), seeds=(3,), frames=4)
    assert figures["all"] == figures["presets"]["demo"]
    assert figures["all"]["rate_error_median"] is None
    assert figures["all"]["births_found"] == 0
