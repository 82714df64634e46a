"""How the crystals of a run look, drawn from the middle of what the training stills show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.simulation.body import Look

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    LookMaker = Callable[[np.random.Generator], Look]


def _facets(rng: np.random.Generator) -> LookMaker:
    dark = rng.uniform(0.55, 0.8)

    def look(rng: np.random.Generator) -> Look:
        interior = rng.uniform(0.45, 0.9)
        return Look(
            interior=interior,
            rim=dark * rng.uniform(0.85, 1.1),
            rim_width_px=rng.uniform(1.4, 2.6),
            halo=rng.uniform(0.02, 0.12),
            facets=rng.uniform(0.03, 0.14),
            core=rng.uniform(0.9, 1.1) - interior if rng.random() < 0.7 else 0.0,
            core_size=rng.uniform(0.35, 0.7),
            core_slit=rng.uniform(0.3, 1.2),
            contact=rng.uniform(0.3, 0.5),
        )

    return look


def _grains(rng: np.random.Generator) -> LookMaker:
    shade, rim = rng.uniform(0.93, 1.02), rng.uniform(0.4, 0.55)
    width, dome = rng.uniform(2.5, 4.0), rng.uniform(0.03, 0.12)
    contact = rng.uniform(-0.05, 0.2)

    def look(rng: np.random.Generator) -> Look:
        return Look(
            interior=shade * rng.uniform(0.97, 1.03),
            rim=rim * rng.uniform(0.9, 1.1),
            rim_width_px=width,
            halo=0.04,
            facets=0.0,
            dome=dome,
            contact=contact,
            softness_px=0.5,
            inset_px=0.6,
        )

    return look


def _film(rng: np.random.Generator) -> LookMaker:
    contrast, ripple_px = rng.uniform(0.12, 0.25), rng.uniform(3.5, 6)

    def look(rng: np.random.Generator) -> Look:
        return Look(
            interior=1 - contrast * rng.uniform(0.8, 1.2),
            rim=0.0,
            halo=0.0,
            facets=contrast * 0.05,
            ripple=contrast * 0.35,
            ripple_px=ripple_px,
            contact=contrast * rng.uniform(0.2, 0.6),
        )

    return look


def _plates(rng: np.random.Generator) -> LookMaker:
    rim = rng.uniform(0.35, 0.6)

    def look(rng: np.random.Generator) -> Look:
        return Look(
            interior=rng.uniform(0.93, 1.03),
            rim=rim * rng.uniform(0.85, 1.15),
            rim_width_px=rng.uniform(1.2, 2.0),
            halo=rng.uniform(0.02, 0.12),
            facets=rng.uniform(0, 0.03),
            contact=0.35,
        )

    return look


_MAKERS = {"facets": _facets, "grains": _grains, "film": _film, "plates": _plates}


def look_maker(appearance: str, rng: np.random.Generator) -> LookMaker:
    """Maker of the looks of one run's crystals; what they share is drawn here from `rng`."""
    return _MAKERS[appearance](rng)
