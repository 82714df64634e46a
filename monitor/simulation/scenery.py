"""The scenery around the crystals: put together once for a still or a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from monitor.simulation import backdrop
from monitor.simulation.body import Body, Look
from monitor.simulation.grain import noise_field
from monitor.simulation.habits import HABIT_SHAPES

if TYPE_CHECKING:
    import numpy.typing as npt

_DARK_WALL = 0.35


@dataclass(frozen=True)
class Scenery:
    """What surrounds the crystals of a still; levels relative to full scale.

    Attributes:
        level: brightness of the background (0..1).
        gradient, vignette: unevenness of the light.
        blurred: expected number of out-of-focus bodies in 256 x 256 px.
        dust, fibres: expected numbers.
        precipitate: strength of the granular cloud, 0 for none.
        grid, grain: strength of the grid and of fixed fine texture.
        drop: probability of a drop's edge or a wall.
        blur_px: blur of the optics.
        noise: read noise; shot noise follows it.
        annotated: probability of burned-in text and of a scale bar.
    """

    level: float
    gradient: float
    vignette: float = 0.0
    blurred: float = 0.0
    dust: float = 2.0
    fibres: float = 0.1
    precipitate: float = 0.0
    grid: float = 0.0
    grain: float = 0.0
    drop: float = 0.0
    blur_px: float = 0.7
    noise: float = 0.01
    annotated: float = 0.2


def build_scenery(
    rng: np.random.Generator, scenery: Scenery, height: int, width: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Light without crystals, float32 (1 = full scale), and where a wall hides everything, bool."""
    light = backdrop.uneven_light(rng, height, width, scenery.gradient, scenery.vignette)
    light *= np.float32(scenery.level)
    hidden = np.zeros((height, width), np.bool_)
    share = height * width / 256**2
    if scenery.grid > 0:
        light *= 1 + backdrop.grid_texture(rng, height, width, scenery.grid)
    if scenery.grain > 0:
        light *= 1 + np.float32(scenery.grain) * noise_field(rng, height, width, rng.uniform(1.0, 2.5))
    if scenery.blurred > 0:
        light *= backdrop.blurred_bodies(rng, height, width, int(scenery.blurred * share + 0.5), height / 2)
    if scenery.precipitate > 0:
        light *= backdrop.precipitate(rng, height, width, scenery.precipitate)
    if rng.random() < scenery.drop:
        surround = backdrop.drop_and_wall(rng, height, width)
        hidden |= surround < _DARK_WALL
        light *= surround
    specks, threads = rng.poisson(scenery.dust * share), rng.poisson(scenery.fibres)
    if specks + threads:
        layer = np.full((height, width), 255, np.uint8)
        backdrop.dust(rng, layer, specks)
        backdrop.fibres(rng, layer, threads)
        blurred = cv2.GaussianBlur(layer, (0, 0), rng.uniform(0.5, 1.5))
        light *= blurred.astype(np.float32) / np.float32(255)
    return light, hidden


def bubbles(rng: np.random.Generator, height: int, width: int, count: int) -> list[Body]:
    """Bubbles: round, a thick very dark rim, a small bright middle; identity 0, never labelled."""
    found = []
    for _ in range(count):
        radius = float(np.exp(rng.uniform(np.log(4), np.log(35))))
        look = Look(
            interior=0.95,
            rim=rng.uniform(0.8, 0.95),
            rim_width_px=max(1.5, radius * rng.uniform(0.3, 0.55)),
            halo=rng.uniform(0.05, 0.3),
            facets=0,
            core=rng.uniform(0.0, 0.4),
            core_size=rng.uniform(0.15, 0.3),
            contact=0.0,
        )
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        shape = HABIT_SHAPES["disc"](rng)
        found.append(Body(0, x, y, shape, radius, 0.0, radius, look))
    return found
