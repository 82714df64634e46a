"""What a field's recent course says: is it growing, losing, ripening, and what is missing for `complete`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.completion.series import Column, observed_between, since, trends
from monitor.settings.completion import CompletionSettings

Floats = NDArray[np.float64]

_TREND_FRACTION = 0.2


@dataclass(frozen=True, slots=True)
class Trend:
    """A relative rate of change with its 95 % limits, 1/s, and what it amounts to over its window."""

    rate_per_s: float
    low_per_s: float
    high_per_s: float
    change: float
    """Relative change over the window; dimensionless."""

    def rises(self, least: float) -> bool:
        """Significantly up, by at least `least`."""
        return self.low_per_s > 0 and self.change >= least

    def falls(self, least: float) -> bool:
        """Significantly down, by at least `least`."""
        return self.high_per_s < 0 and self.change <= -least


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the samples of a window say."""

    area: Trend
    count: Trend
    count_without_merges: Trend
    size: Trend
    mean_area_px: float
    """Total area at the window's middle, px²."""

    def growing(self, least: float) -> bool:
        """Total area rises."""
        return self.area.rises(least)

    def ripening(self, least: float) -> bool:
        """Number falls while mean size grows and total area does not; merging alone is no ripening."""
        fewer = self.count_without_merges.falls(least) or (self.count.falls(least) and self.area.falls(least))
        return fewer and self.size.rises(least) and not self.area.rises(least)

    def shrinking(self, least: float) -> bool:
        """Total area and sizes fall."""
        return self.area.falls(least) and self.size.falls(least)

    def dissolving(self, least: float) -> bool:
        """Total area falls and sizes do not grow."""
        return self.area.falls(least) and not self.size.rises(least)


def recent_evidence(series_SC: Floats, window_s: float, *, curved: bool) -> Evidence | None:
    """Evidence from the last `window_s`; None with too few samples.

    `curved`: a bend in the course does not count as noise."""
    recent_SC = since(series_SC, float(series_SC[-1, Column.ELAPSED_S]) - window_s)
    slopes = trends(recent_SC, curved=curved)
    if not np.isfinite(slopes.half_width_N[0]):
        return None
    level_N = np.maximum(np.abs(slopes.mean_value_N), 1e-9)
    low_N, high_N = slopes.low / level_N, slopes.high / level_N
    rate_N = slopes.slope_N / level_N
    parts = [
        Trend(float(rate_N[i]), float(low_N[i]), float(high_N[i]), float(rate_N[i] * slopes.span_N[i]))
        for i in range(4)
    ]
    return Evidence(parts[0], parts[1], parts[2], parts[3], float(level_N[0]))


def hold_time_s(span_s: float, settings: CompletionSettings) -> float:
    """The hold time after `span_s` seconds since the first crystal."""
    return max(settings.hold_s, settings.hold_fraction * span_s)


def trend_window_s(span_s: float, settings: CompletionSettings) -> float:
    """The window for trends: a fifth of the time since the first crystal, at most the hold time."""
    return min(hold_time_s(span_s, settings), _TREND_FRACTION * span_s)


def coverage(series_SC: Floats, now_s: float, hold_s: float) -> float:
    """Fraction of the hold time that was observed with good frames, 0 to 1."""
    return float(np.clip(observed_between(series_SC, now_s - hold_s, now_s) / hold_s, 0.0, 1.0))
