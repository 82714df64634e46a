"""Simulated courses of crystals as the tracker would report them: for the tests of kinetics, completion, alerts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.records import (
    BirthKind,
    EndReason,
    Habit,
    Observation,
    TrackerStep,
    TrackPoint,
    TrailBirth,
    TrailEnd,
)

Floats = NDArray[np.float64]


def disc(diameter_px: float, um_per_px: float | None = 1.0, *, touches_border: bool = False) -> Observation:
    """A disc, measured."""
    d = float(diameter_px)
    area = float(np.pi * d * d / 4)
    um = um_per_px
    return Observation(
        label=1,
        area_px=area,
        equivalent_diameter_px=d,
        feret_max_px=d,
        feret_min_px=d,
        length_px=d,
        width_px=d,
        orientation_deg=0.0,
        perimeter_px=float(np.pi * d),
        aspect_ratio=1.0,
        solidity=1.0,
        circularity=1.0,
        centroid_x_px=50.0,
        centroid_y_px=50.0,
        bbox_xywh_px=(int(50 - d / 2), int(50 - d / 2), round(d), round(d)),
        touches_border=touches_border,
        contact_labels=(),
        score=0.9,
        habit=Habit.PRISM,
        area_um2=area * um * um if um else None,
        equivalent_diameter_um=d * um if um else None,
    )


def point(crystal_id: int, elapsed_s: float, diameter_px: float, **changes: object) -> TrackPoint:
    """One confirmed point of a disc."""
    values: dict[str, object] = {"confirmed": True, **changes}
    return TrackPoint(crystal_id, int(elapsed_s), elapsed_s, disc(diameter_px), **values)  # type: ignore[arg-type]


def tracked(
    times_s: Sequence[float] | Floats, diameters_TN: Floats, end_reason: EndReason = EndReason.DISSOLVED
) -> list[TrackerStep]:
    """Tracker steps of N crystals over T frames; NaN: not there. Those of the first frame are present at the start."""
    steps, known, previous = [], set[int](), None
    for i, elapsed_s in enumerate(times_s):
        t = float(elapsed_s)
        here = [int(n) for n in np.flatnonzero(np.isfinite(diameters_TN[i]))]
        kind = BirthKind.PRESENT_AT_START if previous is None else BirthKind.BORN
        born = tuple(TrailBirth(n + 1, kind, t, previous) for n in here if n not in known)
        gone = sorted(known - set(here))
        ended = tuple(TrailEnd(n + 1, end_reason, t) for n in gone)
        points = tuple(point(n + 1, t, diameters_TN[i, n]) for n in here)
        steps.append(TrackerStep(points, born, ended))
        known, previous = set(here), t
    return steps


def correlated(rng: np.random.Generator, shape: tuple[int, int], rho: float) -> Floats:
    """First-order autoregressive noise of unit variance along the first axis."""
    noise = rng.standard_normal(shape)
    for i in range(1, shape[0]):
        noise[i] = rho * noise[i - 1] + np.sqrt(1 - rho**2) * noise[i]
    return noise


def depleting(
    times_s: Floats, crystals: int, tau_s: float, sigma_px: float, seed: int
) -> tuple[Floats, Floats]:
    """Diameters (measured, true) of crystals born early in the run that approach their last size exponentially."""
    rng = np.random.default_rng(seed)
    span = times_s[-1] - times_s[0]
    birth_N = times_s[0] + rng.uniform(0.02, 0.15, crystals) * span
    last_N = rng.uniform(40, 80, crystals)
    age_TN = np.maximum(times_s[:, None] - birth_N, 0.0)
    true_TN = last_N * -np.expm1(-age_TN / tau_s)
    measured_TN = true_TN + sigma_px * correlated(rng, true_TN.shape, 0.5)
    measured_TN[true_TN < 5] = np.nan
    return measured_TN, true_TN
