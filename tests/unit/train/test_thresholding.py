"""The best thresholding is found, and on the training part alone."""

from __future__ import annotations

import numpy as np
import pytest

from train.errors import TrainingError
from train.thresholding import ThresholdRule, choose, first_rules, refinements


def _frame(seed, darker=True, slope=0.0):
    """Six filled squares on a field with noise, whose light rises across it by `slope` levels."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((160, 200), np.int32)
    for label in range(1, 7):
        y, x = 10 + 50 * ((label - 1) // 3), 10 + 60 * ((label - 1) % 3)
        labels[y : y + 30, x : x + 30] = label
    field = 120 + np.linspace(-slope / 2, slope / 2, 200)[None] + rng.normal(0, 4, labels.shape)
    image = field + np.where(labels > 0, -40 if darker else 40, 0)
    return np.clip(image, 0, 255).astype(np.uint8), labels


@pytest.mark.parametrize("darker", [True, False])
@pytest.mark.parametrize("slope", [0.0, 90.0])
def test_a_rule_is_found_for_dark_and_bright_crystals_in_even_and_uneven_light(darker, slope):
    rules = [rule for rule in first_rules() if rule.smoothing_px == 1.0]
    rule, iou = choose([_frame(0, darker, slope)], rules, finalists=3)
    assert rule.darker is darker
    assert iou > 0.95
    image, labels = _frame(1, darker, slope)
    found = rule.segment(image)
    assert len(found.scores) == 6
    assert ((found.labels_HW > 0) == (labels > 0)).mean() > 0.97
    if slope:
        otsu = ThresholdRule(method="otsu", darker=darker, smoothing_px=1.0)
        said, true = otsu.segment(image).labels_HW > 0, labels > 0
        assert (said & true).sum() / (
            said | true
        ).sum() < 0.8  # the control: one threshold for all does not do


def test_refinements_matter_where_only_rims_are_dark():
    image, labels = np.full((100, 100), 150, np.uint8), np.zeros((100, 100), np.int32)
    labels[20:60, 20:60] = 1
    image[20:60, 20:60] = 90
    image[23:57, 23:57] = 150
    image[80, 80] = 60
    rule, iou = choose([(image, labels)], [ThresholdRule(filled=False)])
    assert rule.filled
    assert iou == 1.0
    assert ThresholdRule(filled=False, least_area_px=1).segment(image).scores.keys() == {1, 2}


def test_a_flat_image_has_no_crystals():
    flat = np.full((40, 40), 99, np.uint8)
    for rule in first_rules():
        assert not rule.segment(flat).scores


def test_every_rule_is_another():
    rules = first_rules()
    assert len({rule.model_dump_json() for rule in rules}) == len(rules) > 150
    assert len(refinements(rules[0])) == 32
    with pytest.raises(TrainingError, match="no frame"):
        choose([])
