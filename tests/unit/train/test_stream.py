"""Crops come from other processes whatever this one has done before."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from train.configuration import MixConfiguration, TrainingConfiguration
from train.mixed_crops import MixedCrops
from train.stream import batches

TINY = TrainingConfiguration(
    crop_px=64, batch=2, steps=2, mix=MixConfiguration(family_weights={"empty": 1.0}, reduced_share=0)
)


@pytest.fixture
def _opencv_has_threads():
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    cv2.GaussianBlur(np.zeros((2000, 2000), np.float32), (0, 0), 3)
    time.sleep(0.5)  # threads that have gone to sleep are those that a forked child would wait for
    yield
    cv2.setNumThreads(before)


@pytest.mark.timeout(240)  # the other process imports torch, and without the cure it waits for ever
@pytest.mark.usefixtures("_opencv_has_threads")
def test_crops_come_where_opencv_has_threads_already():
    source = MixedCrops(TINY.mix, None)
    there, here = (list(batches(TINY, source, 0, workers)) for workers in (1, 0))
    assert len(here) == len(there) == 2
    for one, other in zip(here, there, strict=True):
        assert np.array_equal(one.images_BCHW, other.images_BCHW)
