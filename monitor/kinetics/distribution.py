"""Crystal size distributions of one frame: number and volume weighting, by two rules for the border."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.records import Observation, SizeDistribution
from monitor.settings.kinetics import KineticsSettings

Floats = NDArray[np.float64]

NUMBER = "number"
VOLUME = "volume"
EXCLUDED = "excluded"
MILES_LANTUEJOUL = "miles_lantuejoul"
_MEDIAN_MIN_COUNT = 3


def size_distributions(
    observations: Sequence[Observation], width_px: int, height_px: int, settings: KineticsSettings
) -> tuple[SizeDistribution, ...]:
    """Four rows: {number, volume} x {excluded, miles_lantuejoul}; crystals at the border are in none of them.

    The Miles-Lantuéjoul weight W·H/((W−Fx)(H−Fy)) makes up for large crystals touching the border more often.
    Volume weights are d³: crystals taken as equal in shape. Without calibration only the count is given.
    """
    inside = [o for o in observations if not o.touches_border]
    diameters = [o.equivalent_diameter_um for o in inside]
    known = [d for d in diameters if d is not None]
    diameter_N = np.array(known if len(known) == len(inside) else [], np.float64)
    box_N2 = np.array([o.bbox_xywh_px[2:] for o in inside], np.float64).reshape(-1, 2)
    room_N2 = np.maximum(np.array([width_px, height_px]) - box_N2, 1.0)
    fair_N = width_px * height_px / (room_N2[:, 0] * room_N2[:, 1])
    rows = []
    for weighting in (NUMBER, VOLUME):
        for rule in (EXCLUDED, MILES_LANTUEJOUL):
            if not diameter_N.size:
                rows.append(_refused(weighting, rule, len(inside)))
                continue
            weight_N = np.ones_like(diameter_N) if rule == EXCLUDED else fair_N
            if weighting == VOLUME:
                weight_N = weight_N * diameter_N**3
            rows.append(_distribution(diameter_N, weight_N, (weighting, rule), settings))
    return tuple(rows)


def weighted_percentiles(value_N: Floats, weight_N: Floats, fractions: Sequence[float]) -> Floats:
    """Percentiles of weighted values, interpolated between the middles of the steps of the cumulative
    curve."""
    order = np.argsort(value_N)
    weight = weight_N[order]
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    percentiles: Floats = np.interp(np.asarray(fractions, np.float64), middle, value_N[order])
    return percentiles


def moment_mean(diameter_N: Floats, upper: int, lower: int) -> float:
    """D[p, q] = (Σd^p / Σd^q)^(1/(p−q)), e.g. the Sauter mean D[3, 2]."""
    return float((np.sum(diameter_N**upper) / np.sum(diameter_N**lower)) ** (1 / (upper - lower)))


def _refused(weighting: str, rule: str, count: int) -> SizeDistribution:
    return SizeDistribution(weighting, rule, count, None, None, None, None, None, None)


def _distribution(
    diameter_N: Floats, weight_N: Floats, names: tuple[str, str], settings: KineticsSettings
) -> SizeDistribution:
    count = diameter_N.size
    share_N = weight_N / weight_N.sum()
    mean = float(np.sum(share_N * diameter_N))
    deviation = float(np.sqrt(np.sum(share_N * (diameter_N - mean) ** 2)))
    d10, d50, d90 = (float(d) for d in weighted_percentiles(diameter_N, weight_N, (0.1, 0.5, 0.9)))
    tails = count >= settings.percentile_min_count
    upper = tails and (names[0] == NUMBER or count >= settings.volume_d90_min_count)
    return SizeDistribution(
        weighting=names[0],
        border_rule=names[1],
        count=count,
        d10_um=d10 if tails else None,
        d50_um=d50 if count >= _MEDIAN_MIN_COUNT else None,
        d90_um=d90 if upper else None,
        mean_um=mean,
        cv=deviation / mean if count >= _MEDIAN_MIN_COUNT else None,
        span=(d90 - d10) / d50 if upper else None,
    )
