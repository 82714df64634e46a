"""The physics of a run: nucleation, growth by mass balance, ripening, dissolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor.simulation.habits import HABIT_SHAPES
from monitor.simulation.history import GrowthHistory, History, SizeHistory
from monitor.simulation.placement import scatter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from monitor.settings.simulation import SimulationSettings
    from monitor.simulation.shape import Shape

_STEPS = 3000
_COARSE_CELLS = 160
_CLEARANCE_PX = 2.0


@dataclass
class Germ:
    """Where a crystal started and what it will look like."""

    x_px: float
    y_px: float
    habit: str
    shape: Shape
    factor: float
    birth_px: float
    birth_s: float


class _Coverage:
    """Growth length at which each cell of a coarse grid is reached: the covered area at any length."""

    def __init__(
        self,
        height_px: int,
        width_px: int,
        blocked: Sequence[tuple[float, float, float]],
        clearance_px: float,
    ) -> None:
        self._clearance_px = clearance_px
        self._cell = max(height_px, width_px) / _COARSE_CELLS
        rows, columns = max(1, round(height_px / self._cell)), max(1, round(width_px / self._cell))
        self.x = np.broadcast_to((np.arange(columns, dtype=np.float32) + 0.5) * self._cell, (rows, columns))
        self.y = np.broadcast_to(
            (np.arange(rows, dtype=np.float32)[:, None] + 0.5) * self._cell, (rows, columns)
        )
        self._reached = np.full((rows, columns), np.inf, np.float32)
        self._blocked = np.zeros((rows, columns), np.bool_)
        for x, y, radius in blocked:
            self._blocked |= np.hypot(self.x - x, self.y - y) < radius + _CLEARANCE_PX + self._cell
        self._in_order: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None = None

    def add(self, germ: Germ) -> None:
        field = germ.shape.gauge(self.x - np.float32(germ.x_px), self.y - np.float32(germ.y_px))
        np.minimum(self._reached, field.gauge / np.float32(germ.factor) + germ.birth_px, out=self._reached)
        self._in_order = None

    def _sorted(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        if self._in_order is None:
            self._in_order = (np.sort(self._reached, axis=None), np.sort(self._reached[~self._blocked]))
        return self._in_order

    def covered(self, length_px: float) -> float:
        """Share of the canvas that is crystal at a growth length."""
        return float(np.searchsorted(self._sorted()[0], length_px)) / self._reached.size

    def open_to_birth(self, length_px: float) -> float:
        """Share of the canvas that lies clear of every crystal and is not blocked."""
        clear = self._sorted()[1]
        closed = int(np.searchsorted(clear, length_px + self._clearance_px, side="right"))
        return (clear.size - closed) / self._reached.size

    def place(self, rng: np.random.Generator, length_px: float) -> tuple[float, float]:
        """A random place that is open to birth."""
        cells = np.flatnonzero((self._reached > length_px + self._clearance_px) & ~self._blocked)
        row, column = divmod(int(rng.choice(cells)), self._reached.shape[1])
        x, y = (np.array([column, row]) + rng.uniform(0, 1, 2)) * self._cell
        return float(x), float(y)


def crystallise(
    settings: SimulationSettings,
    height_px: int,
    width_px: int,
    blocked: Sequence[tuple[float, float, float]] = (),
) -> tuple[list[Germ], History]:
    """Work out a whole run on a canvas: the crystals in order of birth, and their sizes over time.

    No crystal is born in the `blocked` circles (x, y, radius, px).
    """
    rng = np.random.default_rng([settings.seed, 1])
    seeds = _seeds(settings, rng, height_px, width_px)
    if settings.growing:
        return _grow(settings, rng, seeds, (height_px, width_px), blocked)
    radii = np.array([-germ.birth_px * germ.factor for germ in seeds])
    times = np.linspace(0, settings.duration_s, _STEPS)
    if settings.growth.mode == "ripening":
        constant = settings.growth.ripening_um3_per_s / settings.um_per_px**3
        return seeds, SizeHistory(times, _ripen(radii, times, constant))
    rate = settings.growth.rate_um_per_s / 2 / settings.um_per_px
    if settings.growth.mode == "static":
        rate = 0.0
    factors = np.array([germ.factor for germ in seeds])
    table = np.maximum(radii[None, :] - rate * times[:, None] * factors[None, :], 0)
    return seeds, SizeHistory(times, table)


def _ripen(
    radii_px: npt.NDArray[np.float64], times_s: npt.NDArray[np.float64], constant_px3_per_s: float
) -> npt.NDArray[np.float64]:
    """Lifshitz-Slyozov-Wagner mean field: d(r^3)/dt = 3 K (r / mean r - 1), which keeps the volume."""
    table = np.zeros((len(times_s), len(radii_px)))
    cubes = radii_px**3
    if len(radii_px):
        table[0] = radii_px
    for step in range(1, len(times_s)):
        alive = cubes > 0
        if not alive.any():
            break
        radii = np.cbrt(cubes)
        change = (
            3 * constant_px3_per_s * (radii / radii[alive].mean() - 1) * (times_s[step] - times_s[step - 1])
        )
        cubes = np.where(alive, np.maximum(cubes + change, 0), 0)
        table[step] = np.cbrt(cubes)
    return table


def _factor(settings: SimulationSettings, rng: np.random.Generator) -> float:
    spread = np.sqrt(np.log1p(settings.growth.dispersion**2))
    return float(rng.lognormal(-(spread**2) / 2, spread))


def _shape(settings: SimulationSettings, rng: np.random.Generator) -> tuple[str, Shape]:
    habit = settings.habits[int(rng.integers(len(settings.habits)))]
    return habit, HABIT_SHAPES[habit](rng)


def _seeds(
    settings: SimulationSettings, rng: np.random.Generator, height_px: int, width_px: int
) -> list[Germ]:
    nucleation = settings.nucleation
    median = nucleation.seed_diameter_um / 2 / settings.um_per_px
    radii = median * rng.lognormal(0, nucleation.seed_spread, nucleation.seeds)
    places = scatter(rng, radii, height_px, width_px, nucleation.seed_spacing, tries=60)
    germs = []
    for x, y, radius in places:
        factor = _factor(settings, rng)
        germs.append(Germ(x, y, *_shape(settings, rng), factor, -radius / factor, -np.inf))
    return germs


def _grow(
    settings: SimulationSettings,
    rng: np.random.Generator,
    germs: list[Germ],
    canvas_px: tuple[int, int],
    blocked: Sequence[tuple[float, float, float]],
) -> tuple[list[Germ], History]:
    growth, nucleation = settings.growth, settings.nucleation
    height_px, width_px = canvas_px
    coverage = _Coverage(
        height_px, width_px, blocked, _CLEARANCE_PX + nucleation.exclusion_um / settings.um_per_px
    )
    for germ in germs:
        coverage.add(germ)
    step_s = settings.duration_s / _STEPS
    area_mm2 = height_px * width_px * (settings.um_per_px / 1000) ** 2
    fastest = growth.rate_um_per_s / 2 / settings.um_per_px
    dissolved = max(growth.final_coverage - coverage.covered(0), 1e-9)
    lengths, speeds, saturations = np.zeros(_STEPS + 1), np.zeros(_STEPS + 1), np.zeros(_STEPS + 1)
    length, expected = 0.0, 0.0
    for step in range(_STEPS + 1):
        covered = coverage.covered(length)
        saturation = float(np.clip((growth.final_coverage - covered) / dissolved, 0, 1))
        speed = fastest * saturation**growth.order
        lengths[step], speeds[step], saturations[step] = length, speed, saturation
        now = step * step_s
        if now >= nucleation.delay_s and step < _STEPS and len(germs) < nucleation.most_crystals:
            rate = nucleation.rate_per_mm2_s * saturation**nucleation.order
            mean = rate * area_mm2 * coverage.open_to_birth(length) * step_s
            expected += mean
            for _ in range(rng.poisson(mean)):
                if coverage.open_to_birth(length) == 0 or len(germs) >= nucleation.most_crystals:
                    break
                place = coverage.place(rng, length)
                later = rng.uniform(0, step_s)
                germ = Germ(
                    *place,
                    *_shape(settings, rng),
                    _factor(settings, rng),
                    length + speed * later,
                    now + later,
                )
                germs.append(germ)
                coverage.add(germ)
        length += speed * step_s
    germs.sort(key=lambda germ: germ.birth_s)
    history = GrowthHistory(
        times_s=np.linspace(0, settings.duration_s, _STEPS + 1),
        lengths_px=lengths,
        speeds_px_per_s=speeds,
        saturations=saturations,
        births_px=np.array([germ.birth_px for germ in germs]),
        births_at_s=np.array([germ.birth_s for germ in germs]),
        factors=np.array([germ.factor for germ in germs]),
        expected_births=expected,
    )
    return germs, history
