from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.postprocess import Bodies, postprocess
from engine.thresholds import Thresholds

LIMITS = Thresholds(
    crystal=0.5, contact=0.5, seed_area_px=4, minimal_area_px=12, hole_area_px=200, hole_fraction=0.1
)


def bodies_of(crystal: np.ndarray, contact_HW: np.ndarray | None = None) -> Bodies:
    contact_HW = np.zeros_like(crystal) if contact_HW is None else contact_HW
    return postprocess(crystal.astype(np.float32), contact_HW.astype(np.float32), LIMITS)


@pytest.fixture
def rectangle() -> np.ndarray:
    """A rectangle of 40 × 20 px."""
    image = np.full((64, 96), 0.02)
    image[20:40, 20:60] = 0.9
    return image


def test_empty_field_is_no_crystal() -> None:
    bodies = bodies_of(np.full((40, 50), 0.1))
    assert bodies.labels_HW.dtype == np.int32
    assert not bodies.labels_HW.any()
    assert bodies.scores == {}
    assert bodies.dropped == 0


def test_one_crystal(rectangle: np.ndarray) -> None:
    bodies = bodies_of(rectangle)
    np.testing.assert_array_equal(bodies.labels_HW, rectangle > 0.5)
    assert bodies.scores == {1: pytest.approx(0.9)}


def test_full_field_is_one_crystal() -> None:
    assert (bodies_of(np.full((40, 50), 0.99)).labels_HW == 1).all()


def test_contact_parts_two_crystals_and_leaves_them_their_area(rectangle: np.ndarray) -> None:
    assert bodies_of(rectangle).labels_HW.max() == 1
    contact = np.zeros_like(rectangle)
    contact[:, 38:42] = 0.9
    labels = bodies_of(rectangle, contact).labels_HW
    assert labels.max() == 2
    np.testing.assert_array_equal(labels > 0, rectangle > 0.5)
    areas = np.bincount(labels.ravel())[1:]
    assert areas.sum() == 800
    assert abs(int(areas[0]) - int(areas[1])) <= 2


def test_odd_contact_is_shared_without_favour(rectangle: np.ndarray) -> None:
    contact = np.zeros_like(rectangle)
    contact[:, 38:43] = 0.9  # five columns: the middle one is equally far from both
    areas = np.bincount(bodies_of(rectangle, contact).labels_HW.ravel())[1:]
    assert list(areas) == [410, 390]  # 18 and 17 columns of core, two more each, and half the middle one


def test_crystal_covered_by_contact_is_kept(rectangle: np.ndarray) -> None:
    assert bodies_of(rectangle, np.ones_like(rectangle)).labels_HW.max() == 1


def test_crumbs_of_the_cut_are_no_crystals(rectangle: np.ndarray) -> None:
    contact = np.zeros_like(rectangle)
    contact[:, 38:42] = 0.9
    contact[30, 40] = 0.1
    labels = bodies_of(rectangle, contact).labels_HW
    assert labels.max() == 2
    assert labels[30, 40] > 0


def test_growth_does_not_jump_a_gap() -> None:
    crystal = np.zeros((40, 60))
    crystal[10:30, 5:25] = 0.9
    crystal[10:30, 26:40] = 0.9  # one column of background between
    contact = np.zeros_like(crystal)
    contact[:, 26:36] = 0.9  # most of the right one is cut away
    labels = bodies_of(crystal, contact).labels_HW
    assert set(np.unique(labels[10:30, 26:40])) == {2}
    assert set(np.unique(labels[10:30, 5:25])) == {1}


def test_hole_of_one_crystal_is_filled_and_a_gap_between_crystals_is_not(rectangle: np.ndarray) -> None:
    rectangle[28:34, 36:44] = 0.01
    assert (bodies_of(rectangle).labels_HW == 1).sum() == 800
    contact = np.zeros_like(rectangle)
    contact[:, 39:41] = 0.9  # now the hole lies between two
    labels = bodies_of(rectangle, contact).labels_HW
    assert labels.max() == 2
    assert (labels > 0).sum() == 800 - 48


def test_large_hole_is_a_hole() -> None:
    crystal = np.full((80, 80), 0.01)
    crystal[5:75, 5:75] = 0.9
    crystal[12:68, 12:68] = 0.01
    assert bodies_of(crystal).labels_HW[40, 40] == 0


def test_bay_open_to_the_border_is_no_hole() -> None:
    crystal = np.full((40, 40), 0.9)
    crystal[0:6, 10:16] = 0.01
    assert not bodies_of(crystal).labels_HW[0:6, 10:16].any()


def test_small_bodies_are_dropped_and_counted(rectangle: np.ndarray) -> None:
    rectangle[2:4, 2:4] = 0.9
    rectangle[5:9, 80:84] = 0.9
    bodies = bodies_of(rectangle)
    assert bodies.dropped == 1
    assert sorted(bodies.scores) == [1, 2]
    assert sorted(np.unique(bodies.labels_HW)) == [0, 1, 2]


def test_doubtful_bodies_are_dropped_and_counted(rectangle: np.ndarray) -> None:
    rectangle[2:12, 70:90] = LIMITS.minimal_score - 0.05
    assert rectangle[5, 75] > LIMITS.crystal
    bodies = bodies_of(rectangle)
    assert bodies.dropped == 1
    assert bodies.labels_HW.max() == 1


def test_small_bodies_have_to_be_surer() -> None:
    limits = replace(LIMITS, minimal_score=0.7, small_area_px=100, small_score=0.8)
    crystal = np.zeros((60, 60), np.float32)
    crystal[5:10, 5:10] = 0.75  # small and doubtful
    crystal[5:10, 30:35] = 0.85  # small and sure
    crystal[30:40, 5:15] = 0.75  # 100 px²: not small
    bodies = postprocess(crystal, np.zeros_like(crystal), limits)
    assert bodies.dropped == 1
    assert bodies.labels_HW[7, 7] == 0
    assert bodies.labels_HW[7, 32] > 0
    assert bodies.labels_HW[35, 10] > 0
    every = postprocess(crystal, np.zeros_like(crystal), replace(limits, small_area_px=0))
    assert every.labels_HW.max() == 3


def test_thousands_of_crystals_that_touch() -> None:
    side, cell = 60, 16
    crystal = np.full((side * cell, side * cell), 0.95)
    contact = np.zeros_like(crystal)
    for edge in range(cell, side * cell, cell):
        contact[edge - 1 : edge + 1] = contact[:, edge - 1 : edge + 1] = 0.9
    labels = bodies_of(crystal, contact).labels_HW
    assert labels.max() == side * side
    areas = np.bincount(labels.ravel())[1:]
    assert np.abs(areas - cell * cell).max() <= 2  # the corner pixels go by turns
    parts, _ = cv2.connectedComponents((labels == 777).astype(np.uint8))
    assert parts == 2
