from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.cut import CORE
from engine.leaks import mend_leaks
from engine.postprocess import postprocess
from engine.thresholds import Thresholds

LIMITS = Thresholds(contact=0.1)


def two_discs(radius: float = 40, apart: float = 66) -> np.ndarray:
    """Two discs that overlap: a body with a waist in the middle of 120 x 200 px."""
    y, x = np.mgrid[:120, :200].astype(np.float32)
    left = np.hypot(x - 100 + apart / 2, y - 60) < radius
    right = np.hypot(x - 100 - apart / 2, y - 60) < radius
    return (left | right).astype(np.float32)


def line(visible: slice, probability: float = 0.5) -> np.ndarray:
    """A contact line down the waist, seen in the rows given."""
    contact = np.zeros((120, 200), np.float32)
    contact[visible, 99:102] = probability
    return contact


def kinds_of(crystal: np.ndarray, contact: np.ndarray) -> np.ndarray:
    """Kinds of pixels in their frame of background, as they are before leaks are mended."""
    mask = (crystal > 0.5).astype(np.uint8)
    return np.pad(mask + (mask & (contact < 0.1)), 1).astype(np.uint8)


def bodies(crystal: np.ndarray, contact: np.ndarray) -> int:
    return int(postprocess(crystal, contact, LIMITS).labels_HW.max())


def test_a_line_with_a_leak_parts_two_crystals() -> None:
    crystal = two_discs()
    waist = np.flatnonzero(crystal[:, 100])
    top, bottom = int(waist[0]), int(waist[-1])
    assert bodies(crystal, line(slice(top, bottom + 1))) == 2
    leaky = line(slice(top, bottom + 1))
    leaky[58:66] = 0
    assert bodies(crystal, leaky) == 2
    found = postprocess(crystal, leaky, LIMITS).labels_HW
    areas = np.bincount(found.ravel())[1:]
    assert areas.sum() == crystal.sum()
    assert areas[0] == pytest.approx(areas[1], rel=0.03)


def test_a_faint_part_of_the_line_counts_as_seen() -> None:
    crystal = two_discs()
    faint = line(slice(0, 120), 0.02)
    faint[38:54] *= 25
    assert bodies(crystal, faint) == 2
    assert bodies(crystal, np.full_like(faint, 0.001)) == 1


def test_a_waist_without_a_line_is_one_crystal() -> None:
    assert bodies(two_discs(), np.zeros((120, 200), np.float32)) == 1


def test_a_line_that_ends_in_a_crystal_is_no_contact() -> None:
    crystal = two_discs()
    top = int(np.flatnonzero(crystal[:, 100])[0])
    assert bodies(crystal, line(slice(top, top + 12))) == 1


def test_a_line_in_a_body_without_a_waist_cuts_nothing() -> None:
    y, x = np.mgrid[:120, :200].astype(np.float32)
    disc = (np.hypot(x - 100, y - 60) < 50).astype(np.float32)
    contact = line(slice(10, 50))
    assert bodies(disc, contact) == 1


@pytest.mark.parametrize("shift", [0, 1])
def test_leaks_at_odd_places_and_the_border_are_mended_alike(shift: int) -> None:
    crystal = np.roll(two_discs(), shift, axis=(0, 1))
    contact = np.roll(line(slice(20, 100)), shift, axis=(0, 1))
    contact[60 + shift : 64 + shift] = 0
    cropped = np.s_[20 + shift :]  # the upper border cuts both bodies
    assert bodies(np.ascontiguousarray(crystal[cropped]), np.ascontiguousarray(contact[cropped])) == 2


def test_what_is_cut_is_counted_and_lies_in_the_leak() -> None:
    crystal = two_discs()
    contact = line(slice(0, 120))
    contact[58:66] = 0
    kinds = kinds_of(crystal, contact)
    before = kinds.copy()
    assert mend_leaks(kinds, contact, 0.1) == 1
    cut = np.argwhere(before != kinds) - 1
    assert len(cut)
    assert (np.abs(cut[:, 1] - 100) <= 6).all()
    assert cv2.connectedComponents((kinds == CORE).astype(np.uint8), connectivity=4)[0] == 3


def test_nothing_is_cut_twice() -> None:
    crystal = two_discs()
    contact = line(slice(0, 120))
    contact[58:66] = 0
    kinds = kinds_of(crystal, contact)
    assert mend_leaks(kinds, contact, 0.1) == 1
    assert mend_leaks(kinds, contact, 0.1) == 0


def test_an_image_without_crystals_is_left_alone() -> None:
    nothing = np.zeros((7, 9), np.float32)
    assert mend_leaks(kinds_of(nothing, nothing), nothing, 0.1) == 0
    speck = np.ones((1, 3), np.float32)
    assert mend_leaks(kinds_of(speck, speck), speck, 0.1) == 0
