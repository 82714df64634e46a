"""The course of a field since its first crystal: total area, number, mean size; bounded in memory."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from monitor.statistics import Slopes, robust_slopes

Floats = NDArray[np.float64]

MAX_SAMPLES = 400
_OLD_SAMPLES = 300
_BINS = 40
TREND_SAMPLES = 10
"""Samples that a trend rests on at least."""


class Column(IntEnum):
    """Columns of a series, float64."""

    ELAPSED_S = 0
    OBSERVED_S = 1
    """Time observed with good frames up to here, cumulative."""
    AREA_PX = 2
    """Total area of the confirmed crystals, px²."""
    COUNT = 3
    MERGED = 4
    """Crystals that ended by merging up to here, cumulative: they are no loss."""
    SIZE_PX = 5
    """Mean equivalent diameter, px."""


TRENDS = (Column.AREA_PX, Column.COUNT, Column.MERGED, Column.SIZE_PX)
COLUMNS = len(Column)


def empty_series() -> Floats:
    """No samples; shape (0, COLUMNS)."""
    return np.zeros((0, COLUMNS))


def appended(series_SC: Floats, sample_C: Floats) -> Floats:
    """With one sample more; past `MAX_SAMPLES` the older three quarters are averaged in pairs."""
    series_SC = np.vstack([series_SC, sample_C])
    if series_SC.shape[0] <= MAX_SAMPLES:
        return series_SC
    old_SC = series_SC[:_OLD_SAMPLES].reshape(-1, 2, COLUMNS).mean(axis=1)
    return np.vstack([old_SC, series_SC[_OLD_SAMPLES:]])


def since(series_SC: Floats, begin_s: float) -> Floats:
    """The samples from `begin_s` on, and at least the last `TREND_SAMPLES`."""
    first = int(np.searchsorted(series_SC[:, Column.ELAPSED_S], begin_s))
    return series_SC[max(min(first, series_SC.shape[0] - TREND_SAMPLES), 0) :]


def binned(series_SC: Floats, bins: int) -> Floats:
    """Averages of neighbouring samples, at most `bins` of them."""
    if series_SC.shape[0] <= bins:
        return series_SC
    edge = np.linspace(0, series_SC.shape[0], bins + 1).astype(int)[:-1]
    counts = np.diff(np.append(edge, series_SC.shape[0]))
    averages: Floats = np.add.reduceat(series_SC, edge, axis=0) / counts[:, None]
    return averages


def trends(series_SC: Floats, *, curved: bool) -> Slopes:
    """Slopes of area, count, count with merged ones added back, and size, in that order."""
    short_SC = binned(series_SC, _BINS)
    value_4S = np.stack(
        [
            short_SC[:, Column.AREA_PX],
            short_SC[:, Column.COUNT],
            short_SC[:, Column.COUNT] + short_SC[:, Column.MERGED],
            short_SC[:, Column.SIZE_PX],
        ]
    )
    samples = short_SC.shape[0]
    time_4S = np.broadcast_to(short_SC[:, Column.ELAPSED_S], value_4S.shape)
    # Area and number have no noise in common that one could lend the other.
    return robust_slopes(time_4S, value_4S, np.full(4, samples), curved=curved, pooled=False)


def observed_between(series_SC: Floats, begin_s: float, end_s: float) -> float:
    """Seconds observed with good frames between two times."""
    if series_SC.shape[0] == 0:
        return 0.0
    time, observed = series_SC[:, Column.ELAPSED_S], series_SC[:, Column.OBSERVED_S]
    return float(np.interp(end_s, time, observed) - np.interp(begin_s, time, observed))
