"""Which part of the ice frames may be learned from."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from train.configuration import MixConfiguration
from train.errors import TrainingError
from train.ice_frames import (
    FRAME_NUMBERS,
    HELD_OUT_COLUMN,
    HELD_OUT_FRAMES,
    TRAINING_COLUMNS,
    TRAINING_FRAMES,
    IceFrame,
    data_folder,
    held_out_part,
    training_part,
)
from train.mixed_crops import ice_crops

WIDTH = 1194
FORBIDDEN = 999  # the label of every pixel that must not be learned from


def _frame(number: int) -> IceFrame:
    labels = np.full((300, WIDTH), 7, np.int32)
    labels[:, TRAINING_COLUMNS:] = FORBIDDEN
    return IceFrame(number, np.where(labels == 7, 60, 250).astype(np.uint8), labels)


def test_no_pixel_is_both_learned_from_and_tested():
    assert not set(TRAINING_FRAMES) & set(HELD_OUT_FRAMES)
    assert set(TRAINING_FRAMES) | set(HELD_OUT_FRAMES) == set(FRAME_NUMBERS)
    assert TRAINING_COLUMNS < HELD_OUT_COLUMN
    part, test = training_part(_frame(2)), held_out_part(_frame(24))
    assert (part.labels_HW == 7).all()
    assert (test.labels_HW == FORBIDDEN).all()
    assert test.labels_HW.shape[1] == WIDTH - HELD_OUT_COLUMN


@pytest.mark.parametrize("number", HELD_OUT_FRAMES)
def test_a_frame_of_the_test_cannot_be_learned_from(number):
    with pytest.raises(TrainingError, match="for testing"):
        training_part(_frame(number))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    for kind in ("frames", "labels"):
        (root / "ice-coarsening" / kind).mkdir(parents=True)
    for number in TRAINING_FRAMES:
        frame = _frame(number)
        name = f"frame_{number:02d}.png"
        cv2.imwrite(str(root / "ice-coarsening" / "frames" / name), frame.image_HW)
        cv2.imwrite(str(root / "ice-coarsening" / "labels" / name), frame.labels_HW.astype(np.uint16))
    return root


def test_no_crop_touches_the_right_half(folder):
    crops, rng = ice_crops(folder, MixConfiguration(ice_zoom_low=0.2)), np.random.default_rng(0)
    for _ in range(300):
        image, labels = crops.crop(rng, 64)
        assert (labels == 7).all()
        assert image.max() < 70
        assert image.shape == labels.shape == (64, 64)


def test_a_missing_frame_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"frame_02\.png"):
        ice_crops(tmp_path, MixConfiguration())


def test_a_folder_that_was_named_must_be_there(tmp_path, monkeypatch):
    monkeypatch.delenv("CRYSTAL_MONITOR_SHARED_DATA", raising=False)
    assert data_folder(tmp_path) == tmp_path
    with pytest.raises(TrainingError, match="no folder"):
        data_folder(tmp_path / "nowhere")
    monkeypatch.setenv("CRYSTAL_MONITOR_SHARED_DATA", str(tmp_path))
    assert data_folder(None) == tmp_path
