"""Smooth random fields, cut from a small stock of noise (fast, deterministic)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_STOCK_PX = 640
_STOCK_SEED = 20261
_MARGIN_PX = 12


@lru_cache(maxsize=64)
def _stock(number: int) -> npt.NDArray[np.float32]:
    random = np.random.default_rng([_STOCK_SEED, number])
    white = random.standard_normal((_STOCK_PX, _STOCK_PX), dtype=np.float32)
    wrapped = np.pad(white, _MARGIN_PX, mode="wrap")
    smooth = cv2.GaussianBlur(wrapped, (0, 0), 2.0)[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
    return np.asarray(smooth / smooth.std(), np.float32)


def noise_field(
    rng: np.random.Generator, height_px: int, width_px: int, scale_px: float
) -> npt.NDArray[np.float32]:
    """Smooth noise of unit variance and correlation length about `scale_px`, (height, width) float32."""
    stock = _stock(int(rng.integers(6)))
    zoom = max(scale_px / 2.0, 0.5)
    rows, columns = int(height_px / zoom) + 2, int(width_px / zoom) + 2
    top, left = int(rng.integers(_STOCK_PX)), int(rng.integers(_STOCK_PX))
    patch = np.take(
        np.take(stock, np.arange(top, top + rows), axis=0, mode="wrap"),
        np.arange(left, left + columns),
        axis=1,
        mode="wrap",
    )
    if rng.random() < 0.5:
        patch = patch[:, ::-1]
    return np.asarray(
        cv2.resize(np.ascontiguousarray(patch), (width_px, height_px), interpolation=cv2.INTER_LINEAR),
        np.float32,
    )
