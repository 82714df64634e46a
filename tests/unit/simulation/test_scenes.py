from __future__ import annotations

import cv2
import numpy as np
import pytest

from monitor.simulation import SCENE_FAMILIES, training_scene


@pytest.mark.parametrize("family", sorted(SCENE_FAMILIES))
def test_scenes_are_pictures_with_fitting_labels(family: str) -> None:
    rng = np.random.default_rng(11)
    labelled = []
    for _ in range(12):
        image, labels = training_scene(rng, 160, 192, family=family)
        assert image.dtype == np.uint8
        assert image.shape == labels.shape == (160, 192)
        assert labels.dtype == np.int32
        assert labels.min() >= 0
        assert image.std() > 0.5
        labelled.append((labels > 0).mean())
    if family == "empty":
        assert max(labelled) == 0
    else:
        assert np.mean(labelled) > 0.01


def test_grains_touch_and_stay_apart() -> None:
    rng = np.random.default_rng(12)
    touching = 0
    for _ in range(10):
        _, labels = training_scene(rng, family="grains")
        left, right = labels[:, :-1], labels[:, 1:]
        touching += int(((left != right) & (left > 0) & (right > 0)).sum() > 0)
    assert touching >= 5


def test_labelled_crystals_differ_from_what_surrounds_them() -> None:
    rng = np.random.default_rng(13)
    differences = []
    for _ in range(40):
        image, labels = training_scene(rng, family="suspension")
        inside = labels > 0
        ring = (cv2.dilate(inside.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0) & ~inside
        if inside.sum() > 50:
            differences.append(image[ring].mean() - image[inside].mean())
    assert np.mean(np.array(differences) > 5) > 0.8


def test_a_family_that_does_not_exist_is_named() -> None:
    with pytest.raises(KeyError, match="snow"):
        training_scene(np.random.default_rng(0), family="snow")
