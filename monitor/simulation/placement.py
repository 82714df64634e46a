"""Where bodies lie in a still: placed by size, large ones first, apart or touching."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def scatter(
    rng: np.random.Generator,
    radii_px: npt.NDArray[np.float64],
    height_px: int,
    width_px: int,
    spacing: float,
    tries: int = 12,
) -> npt.NDArray[np.float64]:
    """Centres (placed, 3) as x, y, radius with distances of at least `spacing` * (r1 + r2).

    Radii that find no room in `tries` attempts are left out. Centres may lie just outside the view.
    """
    radii = np.sort(radii_px)[::-1]
    placed = np.empty((len(radii), 3))
    count = 0
    for radius in radii:
        margin = 0.6 * radius
        x = rng.uniform(-margin, width_px + margin, tries)
        y = rng.uniform(-margin, height_px + margin, tries)
        others = placed[:count]
        gap = (x[:, None] - others[:, 0]) ** 2 + (y[:, None] - others[:, 1]) ** 2
        free = np.flatnonzero((gap > (spacing * (radius + others[:, 2])) ** 2).all(axis=1))
        if len(free):
            placed[count] = x[free[0]], y[free[0]], radius
            count += 1
    return placed[:count]
