"""The camera: blur of the optics, shot and read noise, gamma, digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def expose(
    light_HW: npt.NDArray[np.float32],
    rng: np.random.Generator,
    *,
    blur_px: float,
    shot_noise: float,
    read_noise: float,
    gamma: float = 1.0,
) -> npt.NDArray[np.float32]:
    """Light (1 = full scale) to grey level (1 = full scale), (height, width) float32.

    `blur_px` is the standard deviation of the optics' blur; noise has the variance
    read_noise^2 + shot_noise^2 * level, both relative to full scale.
    """
    seen = cv2.GaussianBlur(light_HW, (0, 0), blur_px) if blur_px > 0.2 else light_HW
    level = np.clip(seen, 0, 1)
    if gamma != 1.0:
        level = level ** np.float32(gamma)
    variance = np.float32(shot_noise**2) * level
    variance += np.float32(read_noise**2)
    np.sqrt(variance, out=variance)
    noise = rng.standard_normal(level.shape, dtype=np.float32)
    noise *= variance
    noise += level
    return np.clip(noise, 0, 1, out=noise)


def to_digits(level_HW: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Grey level 0..1 as uint8."""
    return np.asarray(level_HW * np.float32(255) + np.float32(0.5)).astype(np.uint8)
