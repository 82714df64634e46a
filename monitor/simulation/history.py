"""Sizes of all crystals over the whole run, worked out once at the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


class History(Protocol):
    """Size and rate of every crystal at any moment."""

    @property
    def expected_births(self) -> float:
        """Integral of nucleation rate times free area over the run (no unit)."""

    def radii_px(self, elapsed_s: float) -> npt.NDArray[np.float64]:
        """Free area-equivalent radii of all crystals, px; 0 before birth and after dissolution."""

    def rates_px_per_s(self, elapsed_s: float) -> npt.NDArray[np.float64]:
        """Time derivative of `radii_px`, px/s."""

    def supersaturation(self, elapsed_s: float) -> float:
        """Supersaturation relative to the initial one."""

    def births_s(self) -> npt.NDArray[np.float64]:
        """Times of birth, s; -inf where present at the start."""


@dataclass(frozen=True)
class GrowthHistory:
    """Growth out of a depleting solution: all radii follow one growth length s(t).

    A crystal born at growth length s_i has the radius f_i (s(t) - s_i).

    Attributes:
        times_s: (steps,) grid of times.
        lengths_px: (steps,) growth length.
        speeds_px_per_s: (steps,) its rate on the interval that starts at the step.
        saturations: (steps,) relative supersaturation.
        births_px: (crystals,) growth length at birth; negative where present at the start.
        births_at_s: (crystals,) time of birth.
        factors: (crystals,) growth relative to the average.
        expected_births: integral of nucleation rate times free area.
    """

    times_s: npt.NDArray[np.float64]
    lengths_px: npt.NDArray[np.float64]
    speeds_px_per_s: npt.NDArray[np.float64]
    saturations: npt.NDArray[np.float64]
    births_px: npt.NDArray[np.float64]
    births_at_s: npt.NDArray[np.float64]
    factors: npt.NDArray[np.float64]
    expected_births: float

    def radii_px(self, elapsed_s: float) -> npt.NDArray[np.float64]:
        """Free area-equivalent radii, px."""
        length = np.interp(elapsed_s, self.times_s, self.lengths_px)
        return self.factors * np.maximum(length - self.births_px, 0)

    def rates_px_per_s(self, elapsed_s: float) -> npt.NDArray[np.float64]:
        """Rates of the radii, px/s."""
        if elapsed_s >= self.times_s[-1]:
            return np.zeros_like(self.factors)
        step = max(int(np.searchsorted(self.times_s, elapsed_s, side="right")) - 1, 0)
        length = np.interp(elapsed_s, self.times_s, self.lengths_px)
        return np.where(length >= self.births_px, self.factors * self.speeds_px_per_s[step], 0)

    def supersaturation(self, elapsed_s: float) -> float:
        """Supersaturation relative to the initial one."""
        return float(np.interp(elapsed_s, self.times_s, self.saturations))

    def births_s(self) -> npt.NDArray[np.float64]:
        """Times of birth, s."""
        return self.births_at_s


@dataclass(frozen=True)
class SizeHistory:
    """Crystals present from the start whose sizes follow a table.

    Attributes:
        times_s: (steps,) grid of times.
        table_px: (steps, crystals) radii.
    """

    times_s: npt.NDArray[np.float64]
    table_px: npt.NDArray[np.float64]
    expected_births: float = 0.0

    def _step(self, elapsed_s: float) -> tuple[int, float]:
        position = np.interp(elapsed_s, self.times_s, np.arange(len(self.times_s)))
        step = min(int(position), len(self.times_s) - 2)
        return step, float(position) - step

    def radii_px(self, elapsed_s: float) -> npt.NDArray[np.float64]:
        """Free area-equivalent radii, px."""
        step, part = self._step(elapsed_s)
        return np.asarray(self.table_px[step] * (1 - part) + self.table_px[step + 1] * part)

    def rates_px_per_s(self, elapsed_s: float) -> npt.NDArray[np.float64]:
        """Rates of the radii, px/s."""
        if elapsed_s >= self.times_s[-1]:
            return np.zeros(self.table_px.shape[1])
        step, _ = self._step(elapsed_s)
        span = self.times_s[step + 1] - self.times_s[step]
        return np.asarray((self.table_px[step + 1] - self.table_px[step]) / span)

    def supersaturation(self, elapsed_s: float) -> float:
        """Relative supersaturation: held constant."""
        return 1.0

    def births_s(self) -> npt.NDArray[np.float64]:
        """Times of birth: all present at the start."""
        return np.full(self.table_px.shape[1], -np.inf)
