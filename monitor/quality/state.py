"""What quality control remembers of a field from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class QualityState:
    """State of one field. `QualityState()` is a field of which nothing was seen yet; losing it costs one
    drift."""

    size_hw_px: tuple[int, int] | None = None
    """Rows and columns of the field's first frame; None before it."""
    full_scale_bits: int = 10
    """Bits that the brightest pixel so far needs, for 16-bit images (at least 10)."""
    fingerprint: bytes = b""
    """Hash of the last frame's pixels."""
    repetitions: int = 0
    """How often in a row that frame came again, bit by bit."""
    reference_HW: NDArray[np.float32] | None = None
    """Last good frame, reduced; float32, shape (H, W); None before the first good frame."""
