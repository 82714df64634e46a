"""Contact targets on label images that can be checked by eye."""

from __future__ import annotations

import numpy as np

from train.contact import contact_band, targets


def _labels(drawing: str) -> np.ndarray:
    return np.array(
        [[int(mark) if mark.isdigit() else 0 for mark in row] for row in drawing.split()], np.int32
    )


TOUCHING = _labels("""
    ..........
    .11112222.
    .11112222.
    .11112222.
    .11112222.
    ..........
    ..........
    .3333.....
    .3333.....
    ..........
""")


def test_band_lies_where_two_crystals_meet():
    band = contact_band(TOUCHING, 3)
    expected = _labels("""
        ..........
        ....11....
        ....11....
        ....11....
        ....11....
        ..........
        ..........
        ..........
        ..........
        ..........
    """)
    # the 3 px disc is a cross: it reaches one pixel along rows and columns
    np.testing.assert_array_equal(band, expected)


def test_one_crystal_alone_has_no_contact():
    alone = np.where(TOUCHING == 3, 3, 0).astype(np.int32)
    assert contact_band(TOUCHING, 5).any()
    assert not contact_band(alone, 5).any()


def test_a_wider_disc_bridges_a_narrow_gap():
    gap = _labels("""
        .....
        11.22
        11.22
        .....
    """)
    assert not contact_band(gap[:, :3].copy(), 5).any()
    assert contact_band(gap, 3)[1, 2] == 1  # the background pixel between belongs to the band
    assert contact_band(gap, 5).sum() > contact_band(gap, 3).sum()


def test_the_numbers_of_the_labels_do_not_matter():
    renumbered = np.select([TOUCHING == 1, TOUCHING == 2, TOUCHING == 3], [70_000, 3, 12], 0).astype(np.int32)
    np.testing.assert_array_equal(contact_band(TOUCHING, 5), contact_band(renumbered, 5))


def test_targets_are_crystal_and_contact():
    crystal, contact = targets(TOUCHING, 3)
    np.testing.assert_array_equal(crystal, TOUCHING > 0)
    np.testing.assert_array_equal(contact, contact_band(TOUCHING, 3))
    assert crystal.dtype == contact.dtype == np.float32
