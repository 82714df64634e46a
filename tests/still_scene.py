"""A small simulated scene for tests of stations: six crystals that do not grow, so that frames are cheap and alike."""

from __future__ import annotations

from typing import Any

STILL_SCENE: dict[str, Any] = {
    "width_px": 256,
    "height_px": 256,
    "growth": {"mode": "static"},
    "nucleation": {
        "rate_per_mm2_s": 0.0,
        "seeds": 6,
        "seed_diameter_um": 14.0,
        "seed_spacing": 1.6,
    },
    "optics": {"out_of_focus": 0.0, "dust": 0.0},
}
"""`[camera.simulation]` of a station's settings."""
