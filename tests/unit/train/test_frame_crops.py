"""Crops of frames: image and labels move together, and a turned crop is the frame turned."""

from __future__ import annotations

import numpy as np
import pytest

from train.batch import crop_of, stack
from train.frame_crops import FrameCrops, Zoom


def _frame():
    """A bright disc on a slope, labelled 5."""
    y, x = np.mgrid[0:200, 0:240]
    disc = (x - 120) ** 2 + (y - 100) ** 2 < 40**2
    return np.where(disc, 220, x // 4).astype(np.uint8), np.where(disc, 5, 0).astype(np.int32)


@pytest.mark.parametrize("zoom", [Zoom(), Zoom(0.5, 2.0), Zoom(0.5, 2.0, rotation_degrees=180)])
def test_labels_lie_where_the_image_has_the_crystal(zoom):
    crops, rng = FrameCrops([_frame()], zoom), np.random.default_rng(0)
    seen = 0
    for _ in range(40):
        image, labels = crops.crop(rng, 64)
        assert image.shape == labels.shape == (64, 64)
        assert set(np.unique(labels)) <= {0, 5}
        differing = (image > 140) != (labels > 0)
        assert differing.mean() < 0.04  # edges alone, where one is smooth and the other is not
        seen += (labels > 0).any()
    assert seen > 20


def test_magnification_is_what_was_asked_for():
    for zoom, side_px in ((0.8, 150), (1.6, 200)):
        for turn in (0.0, 90.0):
            crops, rng = FrameCrops([_frame()], Zoom(zoom, zoom, turn)), np.random.default_rng(1)
            areas = [int((crops.crop(rng, side_px)[1] > 0).sum()) for _ in range(60)]
            assert max(areas) == pytest.approx(np.pi * (40 * zoom) ** 2, rel=0.02)


def test_the_same_numbers_give_the_same_crop():
    crops = FrameCrops([_frame()], Zoom(0.5, 2.0, 30))
    one, other = (crops.crop(np.random.default_rng(4), 64) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_targets_of_a_crop_by_hand():
    labels = np.zeros((40, 40), np.int32)
    labels[10:20, 5:15], labels[10:20, 15:35] = 1, 2
    crop = crop_of(np.full((40, 40), 100, np.uint8), labels, 5)
    assert crop.targets_CHW[0].sum() == 300
    assert crop.targets_CHW[1, 15, 13:17].all()
    assert not crop.targets_CHW[1, :, 20:].any()
    # the middle of the right body is five pixels from its edge, whatever touches it
    assert crop.interior_HW[15, 25] == pytest.approx(5 / 16, abs=0.08)
    assert crop.interior_HW[15, 15] <= 1 / 16 + 0.01
    assert crop.signed_HW[15, 15] < -3 / 32  # the line between the two is no edge of the mask
    assert crop.signed_HW[0, 20] == pytest.approx(10 / 32, abs=0.04)
    batch = stack([crop, crop])
    assert batch.labels_BHW.shape == (2, 40, 40)
    full = crop_of(np.full((8, 8), 100, np.uint8), np.ones((8, 8), np.int32), 5)
    assert (full.signed_HW == -1).all()
    assert (full.interior_HW == 1).all()
