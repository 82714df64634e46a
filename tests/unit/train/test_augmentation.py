"""What augmentation does to an image and its labels together."""

from __future__ import annotations

import numpy as np
import pytest

from train.augmentation import augment
from train.configuration import AugmentationConfiguration

QUIET = AugmentationConfiguration(
    brightness_contrast=0, gamma=0, blur=0, jitter=0, noise=0, slope=0, mirror=0.5, turns=True
)


def _marked(side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """An image whose grey level is 5 times the label: aligned as long as that holds."""
    labels = np.random.default_rng(5).integers(0, 40, (side, side)).astype(np.int32)
    return (5 * labels).astype(np.uint8), labels


def test_turns_and_mirrors_keep_image_and_labels_aligned():
    image, labels = _marked()
    seen = set()
    for seed in range(60):
        turned, turned_labels = augment(image, labels, QUIET, np.random.default_rng(seed))
        np.testing.assert_array_equal(turned, 5 * turned_labels)
        seen.add(turned.tobytes())
    assert len(seen) == 8  # all orientations, and none but them


@pytest.mark.parametrize(
    "change", ["brightness_contrast", "gamma", "blur", "jitter", "noise", "slope"], ids=str
)
def test_each_change_of_grey_levels_leaves_the_labels(change):
    image, labels = _marked()
    still = QUIET.model_copy(update={"mirror": 0.0, "turns": False})
    unchanged, _ = augment(image, labels, still, np.random.default_rng(1))
    np.testing.assert_array_equal(unchanged, image)
    changed, same_labels = augment(
        image, labels, still.model_copy(update={change: 1.0}), np.random.default_rng(1)
    )
    assert (changed != image).any()
    assert changed.dtype == np.uint8
    np.testing.assert_array_equal(same_labels, labels)


def test_everything_at_once_stays_an_image():
    image, labels = _marked()
    all_of_it = AugmentationConfiguration(
        brightness_contrast=1, gamma=1, blur=1, jitter=1, noise=1, slope=1, mirror=1
    )
    changed, _ = augment(image, labels, all_of_it, np.random.default_rng(2))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert changed.std() > 0
