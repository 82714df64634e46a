"""Crystals out of focus: near the plane people still label them, far from it they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.simulation.placement import scatter
from monitor.simulation.still import Defocused
from monitor.simulation.still_bodies import draw_bodies, log_uniform, prism_look

if TYPE_CHECKING:
    import numpy as np

# What annotators still call a crystal: its edge is spread over no more than this, and it is large beside that.
# As the masks of in-situ bright field draw the line: 2.5 px at 15 px diameter, about 4.5 px from 40 px on.
_SOFTEST_LABELLED_PX = 4.5
_LEAST_RADIUS_PER_SIGMA = 5.0
_SHARP_PX = 1.0


def planes_out_of_focus(
    rng: np.random.Generator, height: int, width: int, first_identity: int
) -> list[Defocused]:
    """Planes near the focus (crystals still) and far from it (none any more), blurred as a whole."""
    share = height * width / 256**2
    found: list[Defocused] = []
    taken = first_identity
    for labelled in (True, False):
        small = not labelled and rng.random() < 0.5
        if labelled:
            sigma = rng.uniform(1.2, _SOFTEST_LABELLED_PX)
            low, high = 2.0 + _LEAST_RADIUS_PER_SIGMA * (sigma - _SHARP_PX), 60.0
        elif small:
            sigma = rng.uniform(2.2, 5.0)
            low, high = 3.0, 0.6 * _LEAST_RADIUS_PER_SIGMA * (sigma - _SHARP_PX)
        else:
            sigma = rng.uniform(1.4 * _SOFTEST_LABELLED_PX, 14.0)
            low, high = 8.0, 110.0
        # those near the line are what a network is least sure of: show them more often
        expected = rng.uniform(1.0, 4.0) if labelled else rng.uniform(0.5, 6.0 if small else 2.0)
        radii = log_uniform(rng, low, high, rng.poisson(expected * share))
        places = scatter(rng, radii, height, width, rng.uniform(0.7, 1.3))
        if not len(places):
            continue
        bodies = [
            replace(body, identity=body.identity + taken)
            for body in draw_bodies(
                rng, places, ["prism", "prism", "prism", "plate", "rounded"], prism_look(rng)
            )
        ]
        taken += len(bodies)
        found.append(Defocused(bodies, sigma, labelled))
    return found
