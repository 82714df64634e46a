"""Bodies of a training still: their sizes, their shapes and the looks of faceted crystals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor.simulation.body import Body, Look
from monitor.simulation.habits import HABIT_SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt


def log_uniform(rng: np.random.Generator, low: float, high: float, count: int) -> npt.NDArray[np.float64]:
    """Draw `count` values between `low` and `high`, alike likely at every scale."""
    return np.exp(rng.uniform(np.log(low), np.log(high), count))


def draw_bodies(
    rng: np.random.Generator,
    places: npt.NDArray[np.float64],
    habits: Sequence[str],
    look: Callable[[float], Look],
) -> list[Body]:
    """Bodies at `places` (n, 3: x, y, radius, px), numbered from 1, each of one of `habits`."""
    found = []
    for identity, (x, y, radius) in enumerate(places, start=1):
        shape = HABIT_SHAPES[str(habits[int(rng.integers(len(habits)))])](rng)
        appearance = look(float(radius))
        seed = int(rng.integers(2**31))
        found.append(Body(identity, x, y, shape, float(radius), 0.0, float(radius), appearance, seed))
    return found


def prism_look(rng: np.random.Generator) -> Callable[[float], Look]:
    """Looks of the faceted crystals of one still, by radius, px; what they share is drawn here."""
    darkness = rng.uniform(0.45, 0.9)
    clear = rng.random() < 0.4
    softness = rng.uniform(0, 0.6)
    # a face that sends the light aside is black beside one as bright as the background
    stark = rng.random() < 0.35

    def look(radius: float) -> Look:
        interior = rng.uniform(0.7, 1.0) if clear or rng.random() < 0.3 else rng.uniform(0.15, 0.7)
        return Look(
            interior=interior,
            rim=float(np.clip(darkness * rng.uniform(0.7, 1.2), 0.2, 0.92)),
            rim_width_px=float(np.clip(radius * rng.uniform(0.06, 0.35), 0.9, 12)),
            halo=rng.uniform(0, 0.2),
            facets=rng.uniform(0.25, 0.6) if stark and rng.random() < 0.5 else rng.uniform(0.02, 0.25),
            core=rng.uniform(0.85, 1.15) - interior if rng.random() < 0.75 else 0.0,
            core_size=rng.uniform(0.3, 0.75),
            core_slit=rng.uniform(0.25, 1.3),
            contact=rng.uniform(0.1, 0.6),
            softness_px=softness + (rng.uniform(0, 0.08) * radius if rng.random() < 0.3 else 0.0),
        )

    return look
