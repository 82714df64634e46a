"""Robust slopes of many short series at once, with intervals that stay honest under correlated noise.

Slope: Theil-Sen, the median of the slopes between all pairs of points (breakdown at 29 % outliers). Interval:
the variance that a linear fit has under first-order autoregressive noise, Var(b) = σ²·Σᵢⱼ cᵢcⱼρ^|i−j| with
cᵢ = (tᵢ − t̄)/Σ(t − t̄)², where σ² and ρ come from the residuals and are corrected for the two fitted
parameters (ρ̂ of a detrended series is low by (2 + 4ρ)/n), and Student's t at the series' effective freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

MIN_POINTS = 5
"""Fewest points from which a slope with an interval is given."""
_CONFIDENCE_TAIL = 0.975
_RHO_MAX = 0.95
_OUTLIER_SCALES = 3.5
_POOL_POINTS = 30.0
_MARGIN = 0.8
_SMALL_SAMPLE = 8.0
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """One slope per series; NaN where a series has fewer than `MIN_POINTS` points or no extent in time."""

    slope_N: Floats
    """Slope, value units per second; shape (N,), float64."""
    half_width_N: Floats
    """Half width of the 95 % interval, the same units: also the smallest slope that could be told from
    none."""
    mean_time_N: Floats
    """Mean time of the points, seconds."""
    mean_value_N: Floats
    """Value of the fitted line at the mean time."""
    points_N: NDArray[np.int64]
    """Points of each series."""
    span_N: Floats
    """Time between first and last point, seconds."""
    sigma_N: Floats
    """Noise of one point about the line, value units."""

    @property
    def low(self) -> Floats:
        """Lower 95 % limits."""
        return self.slope_N - self.half_width_N

    @property
    def high(self) -> Floats:
        """Upper 95 % limits."""
        return self.slope_N + self.half_width_N


def robust_slopes(
    time_NP: Floats,
    value_NP: Floats,
    points_N: NDArray[np.int64],
    *,
    curved: bool = False,
    pooled: bool = True,
) -> Slopes:
    """Slopes of N series of up to P points: time_NP in seconds, rising; the first points_N[i] of row i count.

    `curved`: the noise is that about a parabola, so that a bend does not pass for noise; the slope is then the mean
    rate over the window. `pooled`: the series share their noise's correlation (see `_believed_rho`).
    Cost: about 5 ms for 300 series of 40 points on one core; grows with the square of the points.
    """
    rows = time_NP.shape[0]
    out = np.full((6, rows), np.nan)
    for count in np.unique(points_N):
        if count < MIN_POINTS:
            continue
        member = np.flatnonzero(points_N == count)
        out[:, member] = _equal_length(time_NP[member, :count], value_NP[member, :count], curved, pooled)
    return Slopes(out[0], out[1], out[2], out[3], points_N.astype(np.int64), out[4], out[5])


def robust_slope(time_P: Floats, value_P: Floats, *, curved: bool = False) -> Slopes:
    """The slope of one series, as arrays of length 1."""
    return robust_slopes(time_P[None, :], value_P[None, :], np.array([time_P.size], np.int64), curved=curved)


def _equal_length(time_NP: Floats, value_NP: Floats, curved: bool, pooled: bool) -> Floats:
    """Rows: slope, half width, mean time, value there, span, sigma; shape (6, N)."""
    count = time_NP.shape[1]
    mean_time_N = time_NP.mean(axis=1)
    t_NP = time_NP - mean_time_N[:, None]
    first, second = np.triu_indices(count, 1)
    gap = t_NP[:, second] - t_NP[:, first]
    rise = value_NP[:, second] - value_NP[:, first]
    usable = bool(np.all(gap > 0))
    slope_N = (
        np.median(rise / gap, axis=1)
        if usable
        else np.array([_median_slope(r[g > 0], g[g > 0]) for r, g in zip(rise, gap, strict=True)])
    )
    level_N = np.median(value_NP - slope_N[:, None] * t_NP, axis=1)
    residual_NP = value_NP - slope_N[:, None] * t_NP - level_N[:, None]
    if curved:
        residual_NP = _unbent(t_NP, residual_NP)
    scale_N = _MAD_TO_SIGMA * np.median(np.abs(residual_NP), axis=1)
    # An outlier counts as a large error, not as an arbitrarily large one; exact data are not cut.
    bound_N = np.where(scale_N > 0, _OUTLIER_SCALES * scale_N, np.inf)[:, None]
    residual_NP = np.clip(residual_NP, -bound_N, bound_N)
    residual_NP = residual_NP - residual_NP.mean(axis=1)[:, None]
    half_N, sigma_N = _half_width(t_NP, residual_NP, 2 if curved else 1, pooled)
    span_N = time_NP[:, -1] - time_NP[:, 0]
    return np.stack([slope_N, half_N, mean_time_N, level_N, span_N, sigma_N])


def _unbent(t_NP: Floats, residual_NP: Floats) -> Floats:
    """Residuals about the best parabola, from those about a line."""
    bend_NP = t_NP**2
    bend_NP = bend_NP - bend_NP.mean(axis=1)[:, None]
    spread_N = np.maximum(np.sum(t_NP**2, axis=1), 1e-300)
    bend_NP = bend_NP - (np.sum(bend_NP * t_NP, axis=1) / spread_N)[:, None] * t_NP
    size_N = np.maximum(np.sum(bend_NP**2, axis=1), 1e-300)
    unbent_NP: Floats = residual_NP - (np.sum(residual_NP * bend_NP, axis=1) / size_N)[:, None] * bend_NP
    return unbent_NP


def _median_slope(rise_K: Floats, gap_K: Floats) -> float:
    return float(np.median(rise_K / gap_K)) if gap_K.size else float("nan")


def _half_width(t_NP: Floats, residual_NP: Floats, degree: int, pooled: bool) -> tuple[Floats, Floats]:
    """Half width of the 95 % interval and sigma of the noise, shape (N,) each."""
    count = t_NP.shape[1]
    total_N = np.sum(residual_NP**2, axis=1)
    safe_total_N = np.where(total_N > 0, total_N, 1.0)
    raw_rho_N = np.sum(residual_NP[:, 1:] * residual_NP[:, :-1], axis=1) / safe_total_N
    rho_N = _believed_rho(raw_rho_N, count, degree, pooled)
    spread_N = np.sum(t_NP**2, axis=1)
    weight_NP = t_NP / np.where(spread_N > 0, spread_N, np.nan)[:, None]
    lags = np.arange(1, count)
    # The sums of products at each lag are the autocorrelation of the weights: one transform for all of them.
    spectrum_NF = np.abs(np.fft.rfft(weight_NP, 2 * count, axis=1)) ** 2
    lag_sum_NK = np.fft.irfft(spectrum_NF, 2 * count, axis=1)[:, 1:count]
    power_NK = rho_N[:, None] ** lags
    slope_factor_N = np.sum(weight_NP**2, axis=1) + 2 * np.sum(power_NK * lag_sum_NK, axis=1)
    mean_factor_N = 1 + 2 * np.sum((1 - lags / count) * power_NK, axis=1)
    # trace(H·R): how much of the noise's own variance the fitted line took up.
    absorbed_N = mean_factor_N + degree * spread_N * slope_factor_N
    freedom_N = np.maximum(count - absorbed_N, 0.5)
    sigma_N = np.sqrt(total_N / freedom_N)
    effective_N = np.maximum((count - 1 - degree) * (1 - rho_N**2) / (1 + rho_N**2), 2.0)
    # Measured on simulated noise: the asymptotic width covers too little below about ten points.
    small_sample = 1 + _SMALL_SAMPLE / count**2
    half_N = (
        small_sample
        * stdtrit(effective_N, _CONFIDENCE_TAIL)
        * sigma_N
        * np.sqrt(np.maximum(slope_factor_N, 0.0))
    )
    return half_N, sigma_N


def _believed_rho(raw_rho_N: Floats, count: int, degree: int, pooled: bool) -> Floats:
    """Lag-one correlation of the noise from that of the residuals of a line, on the safe side.

    The series of one batch come from the same frames and so share much of their noise (focus, light): each
    estimate is drawn towards the batch's mean, the more so the fewer points it has. A margin of its standard
    error is added, and anticorrelation, which would narrow the interval on thin evidence, is not believed.
    """
    corrected_N = (raw_rho_N + (degree + 1) / count) / max(1 - (degree + 3) / count, 0.3)
    lent = _POOL_POINTS * (1 - 1 / raw_rho_N.size) if pooled else 0.0
    blended_N = (count * corrected_N + lent * corrected_N.mean()) / (count + lent)
    blended_N = np.clip(blended_N, -0.5, _RHO_MAX)
    margin_N = _MARGIN * np.sqrt((1 - blended_N**2) / (count + lent))
    rho_N: Floats = np.clip(blended_N + margin_N, 0.0, _RHO_MAX)
    return rho_N
