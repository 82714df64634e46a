"""Families of training stills: suspension, grains, film, needles, plates, drops, empty fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor.simulation.body import Look
from monitor.simulation.defocus import planes_out_of_focus
from monitor.simulation.placement import scatter
from monitor.simulation.scenery import Scenery, bubbles
from monitor.simulation.still import render_still
from monitor.simulation.still_bodies import draw_bodies, log_uniform, prism_look

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.simulation.still import Still


@dataclass(frozen=True)
class Family:
    """A family of stills: its share of the feed and its maker."""

    weight: float
    make: Callable[[np.random.Generator, int, int], Still]


def suspension(rng: np.random.Generator, height: int, width: int) -> Still:
    """Faceted crystals in a suspension, many blurred ones behind them."""
    share = height * width / 256**2
    if rng.random() < 0.25:
        radii = log_uniform(rng, 30, 125, int(rng.integers(1, 4)))
    else:
        radii = log_uniform(rng, 3, rng.uniform(10, 50), 1 + rng.poisson(rng.uniform(3, 35) * share))
    places = scatter(rng, radii, height, width, rng.uniform(0.55, 1.3))
    bodies = draw_bodies(rng, places, ["prism", "prism", "prism", "plate", "rounded"], prism_look(rng))
    bodies += bubbles(rng, height, width, rng.poisson(0.3))
    defocused = planes_out_of_focus(rng, height, width, len(bodies)) if rng.random() < 0.75 else []
    scenery = Scenery(
        level=rng.uniform(0.45, 0.88),
        gradient=rng.uniform(0, 0.15),
        vignette=rng.uniform(0, 0.35),
        blurred=rng.choice([0, 4, 10, 18]),
        dust=rng.uniform(0, 8),
        blur_px=rng.uniform(0.4, 1.9),
        # binned frames are all but free of noise
        noise=rng.uniform(0.003, 0.03)
        if rng.random() < 0.6
        else float(log_uniform(rng, 0.0005, 0.005, 1)[0]),
        annotated=0.1,
    )
    return render_still(rng, bodies, scenery, height, width, defocused=defocused)


def grains(rng: np.random.Generator, height: int, width: int) -> Still:
    """Rounded touching grains, sparse to densely packed (ice)."""
    typical = float(log_uniform(rng, 6, 26, 1)[0])
    density = rng.uniform(0.15, 1.6)
    count = int(np.clip(density * height * width / (np.pi * typical**2), 3, 700))
    radii = np.clip(typical * rng.lognormal(0, 0.35, count), 3, 60)
    places = scatter(rng, radii, height, width, rng.uniform(0.8, 1.03), tries=30)
    clear = rng.random() < 0.7
    shade = rng.uniform(0.88, 1.06) if clear else rng.uniform(0.62, 0.9)
    rim, dome = rng.uniform(0.3, 0.7), rng.uniform(0, 0.25)
    width_px = rng.uniform(2.2, 5.5) if clear else rng.uniform(1.4, 3.5)
    inset = rng.uniform(0.3, 0.9)
    contact = rng.uniform(-0.25, 0.35)
    facets, softness = rng.uniform(0, 0.03), rng.uniform(0, 1.2)

    def look(radius: float) -> Look:
        return Look(
            interior=shade * rng.uniform(0.94, 1.05),
            rim=rim * rng.uniform(0.8, 1.2),
            rim_width_px=min(width_px * rng.uniform(0.85, 1.2), radius * rng.uniform(0.4, 0.6)),
            halo=rng.uniform(0.0, 0.1),
            facets=facets,
            core=rng.uniform(0, 0.15) if rng.random() < 0.4 else 0.0,
            core_size=rng.uniform(0.4, 0.8),
            core_slit=rng.uniform(0.2, 0.7),
            dome=dome * rng.uniform(0.5, 1.3),
            contact=contact,
            softness_px=softness,
            inset_px=min(inset, 0.08 * radius + 0.2),
        )

    bodies = draw_bodies(rng, places, ["rounded"], look)
    scenery = Scenery(
        level=rng.uniform(0.4, 0.8),
        gradient=rng.uniform(0, 0.12),
        vignette=rng.uniform(0, 0.4),
        blurred=rng.choice([0, 0, 2]),
        dust=rng.uniform(0, 3),
        blur_px=rng.uniform(0.5, 1.3),
        noise=rng.uniform(0.003, 0.025),
        annotated=0.15,
    )
    return render_still(rng, bodies, scenery, height, width)


def film(rng: np.random.Generator, height: int, width: int) -> Still:
    """Low-contrast domains of a film: textured, no rim, impinging on one another."""
    level = rng.uniform(0.2, 0.7)
    grey_levels = rng.uniform(7, 24)
    contrast = grey_levels / 255 / level
    noise = min(rng.uniform(0.004, 0.025), 0.6 * grey_levels / 255)
    sign = -1 if rng.random() < 0.75 else 1
    ripple_px = rng.uniform(3, 8)
    edge = contrast * rng.uniform(-0.2, 0.5) if rng.random() < 0.6 else 0.0
    share = np.sqrt(height * width / 256**2)
    grown_together = rng.random() < 0.45
    # where no bare film is left to compare with, the rings alone tell a domain
    ripple = contrast * rng.uniform(0.25 if grown_together else 0.0, 0.8)
    if grown_together:
        # late in a run: domains lie against one another, bare film is the lesser part
        radii = np.minimum(log_uniform(rng, 35, 190, int(rng.integers(4, 14))), 200 * share)
        places = scatter(rng, radii, height, width, rng.uniform(0.45, 0.8), tries=16)
    else:
        radii = np.minimum(log_uniform(rng, 18, 125, int(rng.integers(1, 8))), 130 * share)
        places = scatter(rng, radii, height, width, rng.uniform(0.6, 1.1), tries=6)
    # Between polarisers a domain's grey depends on how it lies: some are fainter, some lighter than the film.
    mixed = rng.random() < 0.65
    # and so do the sectors of one domain
    sectors = rng.uniform(0.2, 0.7) if rng.random() < 0.4 else rng.uniform(0, 0.12)

    def look(radius: float) -> Look:
        strength = contrast * (rng.uniform(0.3, 1.2) if mixed else rng.uniform(0.9, 1.1))
        own_sign = -sign if mixed and rng.random() < 0.25 else sign
        return Look(
            interior=1 + own_sign * strength,
            rim=edge,
            rim_width_px=rng.uniform(1.2, 3.0),
            halo=0.0,
            facets=contrast * sectors * rng.uniform(0, 1),
            ripple=ripple * rng.uniform(0.6, 1.2),
            ripple_px=ripple_px,
            contact=contrast * rng.uniform(-0.3, 0.7),
            softness_px=rng.uniform(0, 1.0),
        )

    bodies = draw_bodies(rng, places, ["domain", "domain", "domain", "rounded", "prism"], look)
    scenery = Scenery(
        level=level,
        gradient=rng.uniform(0, 0.15),
        vignette=rng.uniform(0, 0.1),
        dust=rng.uniform(0, 12),
        fibres=0.05,
        grid=contrast * rng.uniform(0, 0.2),
        grain=contrast * rng.uniform(0, 0.35),
        blur_px=rng.uniform(0.3, 1.0),
        noise=noise,
        annotated=0.6,
    )
    return render_still(rng, bodies, scenery, height, width)


def needles(rng: np.random.Generator, height: int, width: int) -> Still:
    """Needles, alone or crossing."""
    count = 1 + rng.poisson(rng.uniform(1, 14))
    radii = log_uniform(rng, 6, rng.uniform(10, 45), count)
    places = scatter(rng, radii, height, width, rng.uniform(0.2, 1.0))
    base = prism_look(rng)

    def look(radius: float) -> Look:
        narrow = radius * 0.22
        return replace(
            base(radius),
            rim_width_px=float(np.clip(narrow * rng.uniform(0.2, 0.8), 0.8, 3)),
            core_slit=2.0,
            softness_px=rng.uniform(0, 0.4),
        )

    bodies = draw_bodies(rng, places, ["needle"], look)
    return render_still(rng, bodies, _plain(rng), height, width, keep_connected=True)


def plates(rng: np.random.Generator, height: int, width: int) -> Still:
    """Thin transparent plates: little more than outlines."""
    radii = log_uniform(rng, 8, rng.uniform(20, 90), 1 + rng.poisson(rng.uniform(1, 10)))
    places = scatter(rng, radii, height, width, rng.uniform(0.6, 1.2))
    shade, rim = rng.uniform(0.9, 1.06), rng.uniform(0.25, 0.75)

    def look(radius: float) -> Look:
        return Look(
            interior=shade + rng.uniform(-0.03, 0.03),
            rim=rim * rng.uniform(0.7, 1.2),
            rim_width_px=rng.uniform(0.9, 2.5),
            halo=rng.uniform(0, 0.2),
            facets=rng.uniform(0, 0.04),
            core=rng.uniform(-0.06, 0.06) if rng.random() < 0.4 else 0.0,
            core_size=rng.uniform(0.4, 0.9),
            contact=rng.uniform(0.1, 0.5),
        )

    bodies = draw_bodies(rng, places, ["plate", "plate", "prism"], look)
    bodies += bubbles(rng, height, width, rng.poisson(0.3))
    return render_still(rng, bodies, _plain(rng), height, width)


def drops(rng: np.random.Generator, height: int, width: int) -> Still:
    """Crystals in a drop: its edge, the well's wall, precipitate, clutter."""
    radii = log_uniform(rng, 4, rng.uniform(12, 60), rng.poisson(rng.uniform(2, 25)))
    places = scatter(rng, radii, height, width, rng.uniform(0.55, 1.2))
    bodies = draw_bodies(rng, places, ["prism", "plate"], prism_look(rng))
    bodies += bubbles(rng, height, width, rng.poisson(0.4))
    scenery = replace(
        _plain(rng),
        drop=1.0,
        precipitate=rng.uniform(0.05, 0.3) if rng.random() < 0.4 else 0.0,
        fibres=0.3,
    )
    return render_still(rng, bodies, scenery, height, width)


def empty(rng: np.random.Generator, height: int, width: int) -> Still:
    """No crystal at all: clutter only."""
    bodies = bubbles(rng, height, width, rng.poisson(0.8))
    scenery = replace(
        _plain(rng),
        drop=0.35,
        blurred=rng.choice([0, 3, 12]),
        dust=rng.uniform(0, 15),
        fibres=0.8,
        precipitate=rng.uniform(0.05, 0.3) if rng.random() < 0.25 else 0.0,
        grid=rng.uniform(0, 0.02),
        annotated=0.5,
    )
    return render_still(rng, bodies, scenery, height, width)


def _plain(rng: np.random.Generator) -> Scenery:
    return Scenery(
        level=rng.uniform(0.35, 0.88),
        gradient=rng.uniform(0, 0.2),
        vignette=rng.uniform(0, 0.3),
        blurred=rng.choice([0, 0, 3, 8]),
        dust=rng.uniform(0, 6),
        blur_px=rng.uniform(0.4, 1.3),
        noise=rng.uniform(0.003, 0.03),
    )


SCENE_FAMILIES: dict[str, Family] = {
    "suspension": Family(3.0, suspension),
    "grains": Family(2.5, grains),
    "film": Family(2.5, film),
    "needles": Family(1.0, needles),
    "plates": Family(1.0, plates),
    "drops": Family(1.0, drops),
    "empty": Family(0.7, empty),
}
