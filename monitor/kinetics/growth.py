"""Growth rates and births of the crystals in a history, many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.kinetics.history import History, Integers
from monitor.records import BirthKind, GrowthFit, TrailBirth
from monitor.settings.kinetics import KineticsSettings
from monitor.statistics import MIN_POINTS, Slopes, robust_slopes

Floats = NDArray[np.float64]

_SIGMAS = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class _Windows:
    """Slot averages of N crystals, from slot begin_N on; a crystal's row has used_N slots."""

    time_NK: Floats
    diameter_NK: Floats
    perimeter_NK: Floats
    count_NK: Floats
    used_N: Integers
    begin_N: Integers


def fit_growth(
    history: History,
    rows_N: Integers,
    births: Mapping[int, TrailBirth],
    frames_s: Floats,
    um_per_px: float | None,
    settings: KineticsSettings,
) -> tuple[GrowthFit, ...]:
    """The growth of the crystals in rows_N of `history`, in that order.

    frames_s: elapsed times of all frames considered lately, for the coverage. A crystal with fewer than 5
    usable points gets a fit only if it was born in the run, with the bounds of its birth and no rate.
    """
    if not rows_N.size:
        return ()
    windows = _windows(history, rows_N)
    slopes, begin_N = _steady_slopes(windows, settings)
    means_N4 = _window_means(windows, begin_N, frames_s)
    birth_N3 = _births(history, rows_N, births)
    fits = []
    for i, row in enumerate(rows_N):
        crystal_id = int(history.crystal_id_C[row])
        rated = bool(np.isfinite(slopes.half_width_N[i]))
        if not rated and crystal_id not in births:
            continue
        if rated:
            fits.append(_fit(crystal_id, slopes, i, means_N4[i], um_per_px, birth_N3[i]))
        elif births[crystal_id].kind is BirthKind.BORN:
            fits.append(_birth_only(crystal_id, int(windows.count_NK[i].sum()), birth_N3[i]))
    return tuple(fits)


def _windows(history: History, rows_N: Integers) -> _Windows:
    sums_NK4 = history.sums_CK4[rows_N]
    count_NK = sums_NK4[:, :, 0]
    mean_NK3 = sums_NK4[:, :, 1:] / np.maximum(count_NK, 1.0)[:, :, None]
    used_N = history.used_C[rows_N]
    return _Windows(
        mean_NK3[:, :, 0], mean_NK3[:, :, 1], mean_NK3[:, :, 2], count_NK, used_N, np.zeros_like(used_N)
    )


def _slopes_between(
    windows: _Windows, pick_N: Integers, begin_N: Integers, end_N: Integers, *, curved: bool = False
) -> Slopes:
    """Slopes of the diameters of the picked crystals over slots begin (inclusive) to end."""
    length_N = end_N - begin_N
    widest = max(int(length_N.max(initial=0)), 1)
    column_NK = np.minimum(begin_N[:, None] + np.arange(widest), windows.time_NK.shape[1] - 1)
    row_N1 = pick_N[:, None]
    time_NK, diameter_NK = windows.time_NK[row_N1, column_NK], windows.diameter_NK[row_N1, column_NK]
    return robust_slopes(time_NK, diameter_NK, length_N, curved=curved)


def _steady_slopes(windows: _Windows, settings: KineticsSettings) -> tuple[Slopes, Integers]:
    """Slopes over the longest recent window in which growth was steady; also where each window begins.

    A window is halved while the rates of its halves differ by more than their noise and by more than
    `max_drift`.
    """
    begin_N = windows.begin_N.copy()
    pick_N = np.arange(begin_N.size)
    while pick_N.size:
        length_N = windows.used_N[pick_N] - begin_N[pick_N]
        pick_N = pick_N[length_N // 2 >= settings.min_points]
        if not pick_N.size:
            break
        begin, end = begin_N[pick_N], windows.used_N[pick_N]
        middle = (begin + end) // 2
        early = _slopes_between(windows, pick_N, begin, middle, curved=True)
        late = _slopes_between(windows, pick_N, middle, end, curved=True)
        differs = np.abs(late.slope_N - early.slope_N)
        noise = np.hypot(early.half_width_N, late.half_width_N)
        mean = np.abs(early.slope_N + late.slope_N) / 2
        drifts = (differs > noise) & (differs > settings.max_drift * mean)
        pick_N = pick_N[drifts]
        begin_N[pick_N] = middle[drifts]
    everyone = np.arange(begin_N.size)
    return _slopes_between(windows, everyone, begin_N, windows.used_N), begin_N


def _window_means(windows: _Windows, begin_N: Integers, frames_s: Floats) -> Floats:
    """Per crystal: points and coverage of its window, mean diameter and mean perimeter px in it; shape (N, 4)."""
    slot_K = np.arange(windows.time_NK.shape[1])
    inside_NK = (slot_K >= begin_N[:, None]) & (slot_K < windows.used_N[:, None])
    slots_N = np.maximum(inside_NK.sum(axis=1), 1)
    points_N = (windows.count_NK * inside_NK).sum(axis=1)
    since_N = windows.time_NK[np.arange(begin_N.size), np.minimum(begin_N, slot_K.size - 1)]
    # Slot times are rounded by up to 0.12 ms: a frame at the very beginning belongs to the window.
    frames_N = frames_s.size - np.searchsorted(frames_s, since_N - 1e-3)
    coverage_N = np.where(frames_N > 0, np.minimum(points_N / np.maximum(frames_N, 1), 1.0), 1.0)
    diameter_N = (windows.diameter_NK * inside_NK).sum(axis=1) / slots_N
    perimeter_N = (windows.perimeter_NK * inside_NK).sum(axis=1) / slots_N
    return np.stack([points_N, coverage_N, diameter_N, perimeter_N], axis=1)


def _fit(
    crystal_id: int, slopes: Slopes, i: int, means_4: Floats, um_per_px: float | None, birth_3: Floats
) -> GrowthFit:
    rate, half = float(slopes.slope_N[i]), float(slopes.half_width_N[i])
    points, coverage, diameter_px, perimeter_px = (float(m) for m in means_4)
    # (dA/dt)/P with A = πd²/4 at the window's means of diameter and perimeter.
    front = np.pi / 2 * diameter_px * rate / perimeter_px if perimeter_px > 0 else None
    um = um_per_px
    birth, low, high = (float(b) if np.isfinite(b) else None for b in birth_3)
    return GrowthFit(
        crystal_id=crystal_id,
        rate_px_per_s=rate,
        low_px_per_s=rate - half,
        high_px_per_s=rate + half,
        rate_um_per_s=rate * um if um else None,
        low_um_per_s=(rate - half) * um if um else None,
        high_um_per_s=(rate + half) * um if um else None,
        detection_floor_um_per_s=half * um if um else None,
        front_speed_px_per_s=None if front is None else float(front),
        fit_points=int(points),
        fit_window_s=float(slopes.span_N[i]),
        fit_coverage=coverage,
        birth_s=birth,
        birth_low_s=low,
        birth_high_s=high,
    )


def _birth_only(crystal_id: int, points: int, birth_3: Floats) -> GrowthFit:
    birth, low, high = (float(b) if np.isfinite(b) else None for b in birth_3)
    return GrowthFit(
        crystal_id=crystal_id,
        rate_px_per_s=None,
        low_px_per_s=None,
        high_px_per_s=None,
        rate_um_per_s=None,
        low_um_per_s=None,
        high_um_per_s=None,
        detection_floor_um_per_s=None,
        front_speed_px_per_s=None,
        fit_points=points,
        fit_window_s=0.0,
        fit_coverage=0.0,
        birth_s=birth,
        birth_low_s=low,
        birth_high_s=high,
    )


def _extrapolated(slopes: Slopes, k: int, used: int) -> tuple[float, float, float] | None:
    """When the diameter was nothing, with its limits, elapsed seconds; None where growth is not known."""
    rate, half = float(slopes.slope_N[k]), float(slopes.half_width_N[k])
    if used < MIN_POINTS or not np.isfinite(half) or rate <= 0:
        return None
    size, middle_s = float(slopes.mean_value_N[k]), float(slopes.mean_time_N[k])
    error = _SIGMAS * float(slopes.sigma_N[k]) / np.sqrt(used)
    low = middle_s - (size + error) / (rate - half) if rate > half else -np.inf
    return middle_s - size / rate, low, middle_s - (size - error) / (rate + half)


def _births(history: History, rows_N: Integers, births: Mapping[int, TrailBirth]) -> Floats:
    """Back-extrapolated births with limits, elapsed seconds, shape (N, 3); NaN for crystals not born in the
    run.

    t_n = t̄ − d̄/G over the crystal's first points, never before the run's beginning nor after it was first seen. In
    the last clear frame it was smaller than what can be detected, not absent, so that frame is no limit. Where growth
    is not yet known: the interval in which it became visible, and its middle.
    """
    out_N3 = np.full((rows_N.size, 3), np.nan)
    told = [births.get(int(c)) for c in history.crystal_id_C[rows_N]]
    born = [(i, b) for i, b in enumerate(told) if b is not None and b.kind is BirthKind.BORN]
    if not born:
        return out_N3
    born_rows = rows_N[[i for i, _ in born]]
    first_NB2, used_N = history.first_CB2[born_rows], history.first_used_C[born_rows]
    slopes = robust_slopes(first_NB2[:, :, 0], first_NB2[:, :, 1], used_N)
    few_N = np.minimum(used_N, MIN_POINTS)
    soon = robust_slopes(first_NB2[:, :, 0], first_NB2[:, :, 1], few_N)
    for k, (i, birth) in enumerate(born):
        latest = birth.first_seen_s
        earliest = latest if birth.last_clear_s is None else birth.last_clear_s
        limits = _extrapolated(slopes, k, int(used_N[k]))
        if limits is None:
            out_N3[i] = (earliest + latest) / 2, earliest, latest
            continue
        # Growth slows down as a crystal ages, and a line through more of it reaches back too far: the limits hold
        # for its very first points too, where those tell a rate.
        first = _extrapolated(soon, k, int(few_N[k]))
        if first is not None and np.isfinite(first[1]):
            limits = limits[0], min(limits[1], first[1]), max(limits[2], first[2])
        out_N3[i] = np.clip(limits, min(earliest, 0.0), latest)
    return out_N3
