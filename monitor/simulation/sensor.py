"""The camera: blur of the optics, shot and read noise, gamma, digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_TEXT_ROWS_PX = 30


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


def burn_in(level_HW: npt.NDArray[np.float32], text: str, bar_px: float) -> None:
    """Burn a text at the top left and a scale bar at the bottom right into the picture, in place."""
    height, width = level_HW.shape
    if text:
        strip = np.zeros((min(_TEXT_ROWS_PX, height), width), np.uint8)
        cv2.putText(strip, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
        letters = strip.astype(np.float32) / np.float32(255)
        level_HW[: len(strip)] += letters * (1 - level_HW[: len(strip)])
    if bar_px >= 1:
        left = max(0, width - 12 - round(bar_px))
        level_HW[height - 18 : height - 12, left : left + round(bar_px)] = 1.0
