"""`KineticsStep`: what one frame says of the growth and nucleation of its field."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.records.growth import GrowthFit, SizeDistribution


@dataclass(frozen=True, slots=True)
class InductionTime:
    """Time from the run's zero to the first crystal that was born in the run."""

    induction_s: float
    """Elapsed time at which the first confirmed crystal appeared (its first point), seconds."""
    low_s: float
    """Lower 95 % limit, seconds: the earliest birth that the crystal's growth allows; until that is known, the last
    frame in which it was not seen."""
    high_s: float
    """Upper 95 % limit, seconds: it was seen by then."""
    detection_limit_um: float | None
    """Equivalent diameter of the crystal at its first point, µm; None without calibration."""


@dataclass(frozen=True, slots=True)
class KineticsStep:
    """Growth, births and sizes of one field after one frame."""

    fits: tuple[GrowthFit, ...] = ()
    """Fits of the confirmed crystals whose figures changed in this frame, ordered by crystal number."""
    median_front_speed_px_per_s: float | None = None
    """Median over the fitted, free crystals of the mean front speed (dA/dt)/P, px/s; None where none was
    fitted."""
    median_front_speed_high_px_per_s: float | None = None
    """Its upper 95 % limit: the median of the crystals' upper limits, which allows for noise they share,
    px/s."""
    births: int = 0
    """Crystals (kind `born`) confirmed in this frame."""
    births_in_window: int = 0
    """Crystals (kind `born`) first seen within the last `window_s`."""
    last_birth_s: float | None = None
    """Elapsed time at which the latest `born` crystal was first seen, seconds; None if there was none."""
    birth_rate_per_um2_s: float | None = None
    """Births per free area and time over the window, 1/(µm²·s); None without calibration."""
    birth_rate_low_per_um2_s: float | None = None
    """Lower 95 % limit (Poisson)."""
    birth_rate_high_per_um2_s: float | None = None
    """Upper 95 % limit (Poisson)."""
    distributions: tuple[SizeDistribution, ...] = ()
    """Size distributions of this frame: number and volume weighting by each border rule."""
    induction: InductionTime | None = None
    """Given in frames in which it became known or narrower."""
