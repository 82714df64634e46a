"""Contact, border, scores, and the sharing of pixels between crystals that touch."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from monitor.measure import measure
from monitor.settings.measuring import MeasuringSettings

SETTINGS = MeasuringSettings()


def two_squares(gap_px: int) -> NDArray[np.int32]:
    labels_HW = np.zeros((40, 60), np.int32)
    labels_HW[10:30, 10:25] = 3
    labels_HW[10:30, 25 + gap_px : 45 + gap_px] = 8
    return labels_HW


@pytest.mark.parametrize(("gap_px", "touch"), [(0, True), (1, True), (2, True), (3, False), (6, False)])
def test_contact_is_a_gap_of_at_most_two_pixels(gap_px: int, touch: bool) -> None:
    first, second = measure(two_squares(gap_px), None, None, None, SETTINGS)
    assert (first.contact_labels, second.contact_labels) == (((8,), (3,)) if touch else ((), ()))
    assert first.in_contact is touch


def test_contact_distance_is_a_setting() -> None:
    narrow = MeasuringSettings(contact_distance_px=0)
    assert not measure(two_squares(1), None, None, None, narrow)[0].in_contact
    assert measure(two_squares(0), None, None, None, narrow)[0].in_contact


@pytest.mark.parametrize("distance_px", [0.0, 1.0, 2.0, 3.5])
def test_contact_agrees_with_distances_between_all_pixels(distance_px: float) -> None:
    rng = np.random.default_rng(5)
    labels_HW = np.zeros((90, 120), np.int32)
    for label in rng.permutation(60) + 1:
        centre = (int(rng.integers(0, 120)), int(rng.integers(0, 90)))
        cv2.circle(labels_HW, centre, int(rng.integers(1, 8)), int(label), -1)
    expected = set()
    for label in np.unique(labels_HW)[1:]:
        near = distance_transform_edt(labels_HW != label) - 1 <= distance_px + 1e-9
        expected |= {(int(min(label, other)), int(max(label, other))) for other in np.unique(labels_HW[near])}
    expected = {(first, second) for first, second in expected if 0 < first != second}
    settings = MeasuringSettings(contact_distance_px=distance_px)
    found = measure(labels_HW, None, None, None, settings)
    assert {
        (each.label, other) for each in found for other in each.contact_labels if other > each.label
    } == expected
    assert len(expected) > 10


def test_whole_pixels_are_shared_by_labels_where_crystals_adjoin() -> None:
    labels_HW = two_squares(0)
    probability_HW = (labels_HW > 0).astype(np.float32)
    areas = [each.area_px for each in measure(labels_HW, probability_HW, None, None, SETTINGS)]
    assert areas == [pytest.approx(300), pytest.approx(400)]


def test_a_line_between_two_crystals_is_shared_in_halves() -> None:
    labels_HW = two_squares(1)
    probability_HW = (labels_HW > 0).astype(np.float32)
    probability_HW[10:30, 25] = 0.6
    areas = [each.area_px for each in measure(labels_HW, probability_HW, None, None, SETTINGS)]
    assert areas == [pytest.approx(300 + 20 * 0.3, abs=1e-3), pytest.approx(400 + 20 * 0.3, abs=1e-3)]


def test_border_is_flagged_on_every_side() -> None:
    labels_HW = np.zeros((50, 60), np.int32)
    for label, (row, column) in enumerate([(0, 20), (40, 20), (20, 0), (20, 50), (20, 20), (1, 40)], start=1):
        labels_HW[row : row + 10, column : column + 10] = label
    flags = [each.touches_border for each in measure(labels_HW, None, None, None, SETTINGS)]
    assert flags == [True, True, True, True, False, False]
    wide = MeasuringSettings(border_margin_px=2)
    assert [each.touches_border for each in measure(labels_HW, None, None, None, wide)][-1]


def test_scores_are_given_or_the_mean_probability() -> None:
    labels_HW = two_squares(6)
    probability_HW = np.where(labels_HW > 0, 0.8, 0.1).astype(np.float32)
    first, second = measure(labels_HW, probability_HW, {3: 0.95}, None, SETTINGS)
    assert (first.score, second.score) == (0.95, pytest.approx(0.8))
    assert measure(labels_HW, None, None, None, SETTINGS)[0].score == 1.0


def test_boxes_centres_and_order() -> None:
    first, second = measure(two_squares(6), None, None, None, SETTINGS)
    assert (first.label, second.label) == (3, 8)
    assert first.bbox_xywh_px == (10, 10, 15, 20)
    assert (first.centroid_x_px, first.centroid_y_px) == (17.0, 19.5)


def test_an_empty_image_has_no_crystals() -> None:
    assert measure(np.zeros((20, 30), np.int32), None, None, 1.0, SETTINGS) == ()


def test_a_full_image_is_one_crystal() -> None:
    (one,) = measure(np.ones((20, 30), np.int32), np.ones((20, 30), np.float32), None, None, SETTINGS)
    assert one.area_px == pytest.approx(600)
    assert one.touches_border
