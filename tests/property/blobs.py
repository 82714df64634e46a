"""Smooth random probabilities, as a network might give them, and limits to part them by."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.thresholds import Thresholds


def blobs(seed: int, height: int, width: int, sigma: float) -> NDArray[np.float32]:
    """Probabilities 0…1, (height, width), that change over about `sigma` px."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), sigma).reshape(height, width)
    return (1 / (1 + np.exp(-3 * (smooth - smooth.mean()) / (smooth.std() + 1e-6)))).astype(np.float32)


def thresholds(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[Thresholds]:
    """Any limits; those not named here are the defaults, unless `more` draws them."""
    return st.builds(
        Thresholds,
        crystal=st.floats(0.2, 0.8),
        contact=st.floats(0.2, 0.8),
        seed_area_px=st.integers(1, 20),
        minimal_area_px=st.integers(1, 30),
        hole_area_px=st.sampled_from([0, 20, 500]),
        hole_fraction=st.sampled_from([0, 0.5]),
        minimal_score=st.floats(0, 0.8),
        **more,
    )
