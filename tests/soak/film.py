"""The film that the soak's camera plays in a circle: short simulated experiments, each forwards and then backwards.

Forwards crystals are born, grow and touch; backwards they come apart, shrink and dissolve. So a run of any length has
births and ends all the time, and rendering costs the grabber nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.settings.simulation import SimulationSettings
from monitor.simulation import SimulatedMicroscope

UM_PER_PX = 0.5
EXPERIMENTS = 8
STEPS = 120
"""Moments of each experiment; the way back shows all but the first and the last once more."""
STEP_S = 15.0
DIRECTIONS = 2
LENGTH = EXPERIMENTS * (DIRECTIONS * STEPS - 2)
"""Frames of the whole film."""


def experiment(seed: int, side_px: int) -> SimulationSettings:
    """A small field in which a handful of crystals come, grow and touch."""
    return SimulationSettings.model_validate(
        {
            "seed": seed,
            "width_px": side_px,
            "height_px": side_px,
            "um_per_px": UM_PER_PX,
            "duration_s": STEPS * STEP_S,
            "growth": {"rate_um_per_s": 0.02, "final_coverage": 0.3},
            "nucleation": {"rate_per_mm2_s": 8.0, "exclusion_um": 6.0, "most_crystals": 12},
            "optics": {"out_of_focus": 0.0, "dust": 0.0},
        }
    )


def render(side_px: int) -> NDArray[np.uint8]:
    """The film: uint8, shape (LENGTH, side_px, side_px)."""
    parts = []
    for seed in range(1, EXPERIMENTS + 1):
        microscope = SimulatedMicroscope(experiment(seed, side_px))
        forwards = [microscope.render_only(step * STEP_S) for step in range(STEPS)]
        # Half a step aside: the sensor's noise is another one, and no frame is the very same as one before.
        backwards = [microscope.render_only((step + 0.5) * STEP_S) for step in range(STEPS - 2, 0, -1)]
        parts += forwards + backwards
    return np.stack(parts).astype(np.uint8)


def make(path: Path, side_px: int) -> None:
    """Render the film into the file `path` (.npy)."""
    np.save(path, render(side_px))
