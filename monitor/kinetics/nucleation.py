"""Births per area, and the nucleation rate from many wells: pure formulas of `science.md`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import chdtri


@dataclass(frozen=True, slots=True)
class RateInterval:
    """A rate of events with its 95 % interval; the unit is that of the exposure, inverted."""

    rate: float
    """Events over exposure."""
    low: float
    """Lower 95 % limit."""
    high: float
    """Upper 95 % limit."""


def _chi_square_quantile(probability: float, freedom: int) -> float:
    return float(chdtri(freedom, 1 - probability))


def births_per_area(births: int, free_area: float, duration_s: float) -> RateInterval | None:
    """B_A = ΔN/(A_free·Δt), with the exact Poisson interval (Garwood): low χ²(0.025; 2n)/2, high χ²(0.975;
    2n+2)/2.

    `free_area` is the field less its crystals, in any area unit. None without exposure.
    Raises ValueError for a negative count.
    """
    if births < 0:
        raise ValueError(f"births must not be negative, got {births}")
    exposure = free_area * duration_s
    if exposure <= 0:
        return None
    low = _chi_square_quantile(0.025, 2 * births) / 2 if births else 0.0
    return RateInterval(
        births / exposure, low / exposure, _chi_square_quantile(0.975, 2 * births + 2) / 2 / exposure
    )


def well_nucleation_rate(
    event_s: Sequence[float | None], watched_s: Sequence[float], volume: float, growth_time_s: float = 0.0
) -> RateInterval | None:
    """J = n / (V·Σ(min(t_i, T_i) − t_g)) of many equal wells at constant supersaturation, per volume and
    second.

    event_s: when each well's first crystal was seen, None where none was; watched_s: how long each was
    watched (T_i); growth_time_s: t_g, from birth to visible size. The interval is from χ²(2n) (time-censored:
    upper limit χ²(2n+2)). None without an event, with fewer than two wells (one event is an induction time,
    not a rate), or without exposure. Raises ValueError where the lengths differ or the volume is not
    positive.
    """
    if len(event_s) != len(watched_s):
        raise ValueError(f"as many events as wells are needed, got {len(event_s)} and {len(watched_s)}")
    if volume <= 0:
        raise ValueError(f"the volume must be positive, got {volume}")
    seen = [None if e is None or e > t else e for e, t in zip(event_s, watched_s, strict=True)]
    events = sum(e is not None for e in seen)
    waited_s = sum(
        max((t if e is None else e) - growth_time_s, 0.0) for e, t in zip(seen, watched_s, strict=True)
    )
    exposure = volume * waited_s
    if len(seen) < 2 or events == 0 or exposure <= 0:
        return None
    freedom = 2 * events
    censored = events < len(seen)
    return RateInterval(
        events / exposure,
        _chi_square_quantile(0.025, freedom) / 2 / exposure,
        _chi_square_quantile(0.975, freedom + 2 if censored else freedom) / 2 / exposure,
    )
