"""Limits say whether they hold; corruptions do what their names say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from train.evaluation.corruptions import (
    CORRUPTIONS,
    blur,
    brightness,
    contrast,
    gradient,
    jpeg,
    motion,
    noise,
)
from train.evaluation.limits import LIMITS, Limit, lines
from train.evaluation.report import with_earlier
from train.metrics.scores import SizeClass


def _image():
    image = np.full((60, 80), 100, np.uint8)
    image[20:40, 30:50] = 60
    return image


def test_a_limit_on_either_side():
    least, most = Limit("a", (), at_least=0.8), Limit("b", (), at_most=0.01)
    assert least.line(0.8).startswith("ok  ")
    assert least.line(0.79).startswith("MISS")
    assert most.line(-0.011).startswith("MISS")
    assert most.line(-0.009).startswith("ok  ")
    assert "nothing to measure" in most.line(None)


def test_every_limit_of_what_was_evaluated_is_told():
    pixels = {"pixels": {"iou": 0.9, "f1": 0.9}, "spurious": {"area_share": 0.01}}
    instances = {"instances": {"panoptic_quality": None}}
    rows = [
        SizeClass(
            low_px=20, high_px=30, crystals=4, found=4, recall=1, bias_median=-0.03, bias_mean=0
        ).model_dump(),
        SizeClass(
            low_px=10, high_px=None, crystals=4, found=4, recall=1, bias_median=0, bias_mean=0
        ).model_dump(),
    ]
    figures = {
        "suspension": {"scores": pixels},
        "ice_held_out": {"scores": pixels | instances, "count_error_median": 0.2},
        "ice": {"mean_area_error_median": 0.01},
        "film": {"area_error_worst": 0.04, "monotone": True, "burned_in_bodies": 0},
        "robustness": {"greatest_loss_at_middle": {"suspension": 0.2, "ice": 0.01}},
        "simulation": {"lone_by_size": rows},
        "growth": {
            "presets": {
                "demo": {"rate_error_median": 0.02},
                "needles": {"rate_error_median": 0.07},
                "dense": {"rate_error_median": None},
            }
        },
    }
    told = list(lines(figures))
    assert len(told) == len(LIMITS) + 4
    missed = [line for line in told if line.startswith("MISS")]
    assert len(missed) == 5  # IoU and count of the ice, the corruption, needles, the bias of 20-30 px
    assert sum("nothing to measure" in line for line in told) == 4  # PQ, dense, two classes without crystals
    assert list(lines({})) == []
    names = [limit.name for limit in LIMITS]
    assert len(set(names)) == len(names)
    assert not any("the same" in name for name in names)  # parts may be left out: a line must stand alone


def test_corruptions_by_hand():
    image = _image()
    assert set(np.unique(brightness(image, 0.4))) == {84, 140}
    assert set(np.unique(brightness(np.full((4, 4), 250, np.uint8), 0.4))) == {255}
    mean = image.mean()
    assert contrast(image, 0.5).mean() == pytest.approx(mean, abs=0.5)
    assert np.ptp(contrast(image, 0.5)) == pytest.approx(20, abs=1)
    assert blur(image, 2.0)[30, 29:31].mean() == pytest.approx(80, abs=1)
    moved = motion(image, 9)
    assert moved[30, 30] == pytest.approx(80, abs=3)
    assert moved[20, 40] == 60  # along the rows alone
    assert noise(image, 6).std() > image.std()
    assert (noise(image, 6) == noise(image, 6)).all()
    rising = gradient(np.full((4, 81), 100, np.uint8), 0.4)
    assert (rising[0, 0], rising[0, 40], rising[0, -1]) == (80, 100, 120)
    assert 0 < np.abs(jpeg(image, 20).astype(int) - image).max() < 60


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda corruption: corruption.name)
def test_stronger_is_further_from_the_image(corruption):
    image = noise(_image(), 4)
    apart = [
        np.abs(corruption.apply(image, strength).astype(float) - image).mean()
        for strength in corruption.strengths
    ]
    assert 0 < apart[0] < apart[1] < apart[2]


def test_parts_measured_one_at_a_time_stand_in_one_file(tmp_path):
    file = tmp_path / "figures.json"
    ice, film = {"of": {"weights": "a"}, "ice": 1}, {"of": {"weights": "a"}, "film": 2}
    assert with_earlier(ice, file) == ice
    file.write_text(json.dumps(ice))
    assert with_earlier(film, file) == {"of": {"weights": "a"}, "ice": 1, "film": 2}
    assert with_earlier({**film, "ice": 3}, file)["ice"] == 3
    other = {"of": {"weights": "b"}, "film": 2}
    assert with_earlier(other, file) == other
    file.write_text(json.dumps({"ice": 1}))  # of an earlier version
    assert with_earlier(film, file) == film
