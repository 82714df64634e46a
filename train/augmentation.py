"""Augmentation: the seed paper's list, on an image and its labels together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from train.configuration import AugmentationConfiguration


def augment(
    image_HW: npt.NDArray[np.uint8],
    labels_HW: npt.NDArray[np.int32],
    settings: AugmentationConfiguration,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Image uint8 and labels int32 of the same shape (square: quarter turns keep it).

    What moves pixels (turn, mirror) moves labels with them; the rest changes grey levels only.
    """
    image: npt.NDArray[np.floating]
    image, labels = _orient(image_HW.astype(np.float32), labels_HW, settings, rng)
    if rng.random() < settings.brightness_contrast:
        contrast = rng.uniform(settings.contrast_low, settings.contrast_high)
        shift = rng.uniform(-settings.brightness_levels, settings.brightness_levels)
        image = (image - 128) * np.float32(contrast) + np.float32(128 + shift)
    if rng.random() < settings.gamma:
        exponent = np.float32(rng.uniform(settings.gamma_low, settings.gamma_high))
        image = 255 * np.clip(image / 255, 0, 1) ** exponent
    if rng.random() < settings.blur:
        image = _blurred(image, rng.uniform(settings.blur_low_px, settings.blur_high_px))
    if rng.random() < settings.jitter:
        length = int(rng.integers(settings.jitter_low_px, settings.jitter_high_px + 1))
        image = _jittered(image, length, bool(rng.random() < 0.5))
    if rng.random() < settings.noise:
        spread = rng.uniform(settings.noise_low_levels, settings.noise_high_levels)
        image = image + rng.normal(0, spread, image.shape).astype(np.float32)
    if rng.random() < settings.slope:
        image = image * _slope(image.shape, rng.uniform(0, settings.slope_high), rng.uniform(0, 2 * np.pi))
    # as a camera would give it: in whole grey levels
    return np.clip(np.rint(image), 0, 255).astype(np.uint8), labels


def _orient(
    image: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int32],
    settings: AugmentationConfiguration,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    if settings.turns:
        quarters = int(rng.integers(4))
        image, labels = np.rot90(image, quarters), np.rot90(labels, quarters)
    if rng.random() < settings.mirror:
        image, labels = image[:, ::-1], labels[:, ::-1]
    return np.ascontiguousarray(image), np.ascontiguousarray(labels)


def _blurred(image: npt.NDArray[np.floating], sigma_px: float) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.float32)


def _jittered(image: npt.NDArray[np.floating], length_px: int, along_x: bool) -> npt.NDArray[np.float32]:
    kernel = np.full((1, length_px) if along_x else (length_px, 1), 1 / length_px, np.float32)
    return np.asarray(cv2.filter2D(image, -1, kernel), np.float32)


def _slope(shape: tuple[int, ...], rise: float, direction: float) -> npt.NDArray[np.float32]:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    across = (x / shape[1] - 0.5) * np.cos(direction) + (y / shape[0] - 0.5) * np.sin(direction)
    return np.asarray(1 + rise * across, np.float32)
