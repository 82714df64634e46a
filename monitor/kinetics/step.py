"""One frame's kinetics: what is remembered, fitted and counted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from monitor.kinetics.distribution import size_distributions
from monitor.kinetics.growth import fit_growth
from monitor.kinetics.nucleation import RateInterval, births_per_area
from monitor.kinetics.state import KineticsState, absorb
from monitor.records import BirthKind, GrowthFit, InductionTime, KineticsStep, TrackerStep
from monitor.settings.kinetics import KineticsSettings


@dataclass(frozen=True, slots=True)
class KineticsInput:
    """One frame considered."""

    elapsed_s: float
    """Seconds since the run's zero."""
    um_per_px: float | None
    """Calibration."""
    width_px: int
    """Columns of the frame."""
    height_px: int
    """Rows of the frame."""
    tracker: TrackerStep | None
    """What the tracker says; None for a frame that was not `ok`."""


def step(
    state: KineticsState, frame: KineticsInput, settings: KineticsSettings
) -> tuple[KineticsState, KineticsStep]:
    """Absorb one frame of a field and fit the crystals that it tells something new of.

    Fitted are confirmed crystals with a point in this frame that is fit for growth; for the others (in
    contact, at the border, carried) the last fit stands with its window. A frame that was not `ok` yields an
    empty step.
    """
    state = absorb(state, frame.tracker, frame.elapsed_s, frame.um_per_px, settings)
    in_window, last_birth_s = len(state.births_s), state.last_birth_s
    if frame.tracker is None:
        return state, KineticsStep(births_in_window=in_window, last_birth_s=last_birth_s)
    tracker = frame.tracker
    new = {b.crystal_id for b in tracker.born}
    ids = sorted(
        p.crystal_id
        for p in tracker.updated
        if p.confirmed and ((p.fit_for_growth and not p.carried) or p.crystal_id in new)
    )
    fits = fit(state, tuple(ids), settings)
    induction = _induction(state, tracker, fits)
    changed = induction if induction != state.induction else None
    state = replace(state, induction=induction)
    median, high = _median_front_speed(fits)
    # Carried crystals cover ground and have a size, though they tell nothing of growth.
    shown = [p.observation for p in tracker.updated if p.confirmed]
    rate = _birth_rate(state, frame, sum(o.area_px for o in shown), settings)
    return state, KineticsStep(
        fits=fits,
        median_front_speed_px_per_s=median,
        median_front_speed_high_px_per_s=high,
        births=sum(b.kind is BirthKind.BORN for b in tracker.born),
        births_in_window=in_window,
        last_birth_s=last_birth_s,
        birth_rate_per_um2_s=rate.rate if rate else None,
        birth_rate_low_per_um2_s=rate.low if rate else None,
        birth_rate_high_per_um2_s=rate.high if rate else None,
        distributions=size_distributions(shown, frame.width_px, frame.height_px, settings),
        induction=changed,
    )


def fit(
    state: KineticsState, crystal_ids: tuple[int, ...], settings: KineticsSettings
) -> tuple[GrowthFit, ...]:
    """Growth of these crystals as the state has it, in the order given; those without history are left
    out."""
    row_N = state.history.rows_of(np.array(crystal_ids, np.int64))
    return fit_growth(
        state.history, row_N[row_N >= 0], state.births, state.frames_s, state.um_per_px, settings
    )


def _median_front_speed(fits: tuple[GrowthFit, ...]) -> tuple[float | None, float | None]:
    """Median front speed and its upper limit: the median of the crystals' own upper limits.

    Noise that all crystals share (focus, light) does not average out over them, so the limit takes no credit
    for their number.
    """
    speeds, limits = [], []
    for f in fits:
        if f.front_speed_px_per_s is None or not f.rate_px_per_s or f.high_px_per_s is None:
            continue
        speeds.append(f.front_speed_px_per_s)
        limits.append(f.high_px_per_s * f.front_speed_px_per_s / f.rate_px_per_s)
    if not speeds:
        return None, None
    return float(np.median(speeds)), float(np.median(limits))


def _induction(
    state: KineticsState, tracker: TrackerStep, fits: tuple[GrowthFit, ...]
) -> InductionTime | None:
    """Induction time so far: the first birth's, its earliest limit drawn from that crystal's latest fit."""
    nucleus, known = state.nucleus, state.induction
    if nucleus is None:
        return None
    own = next((f for f in fits if f.crystal_id == nucleus.crystal_id), None)
    if known is None:
        low_s = nucleus.first_seen_s if nucleus.last_clear_s is None else nucleus.last_clear_s
        size_px = next(
            (
                p.observation.equivalent_diameter_px
                for p in tracker.updated
                if p.crystal_id == nucleus.crystal_id
            ),
            None,
        )
        row = int(state.history.rows_of(np.array([nucleus.crystal_id], np.int64))[0])
        if row >= 0 and state.history.first_used_C[row]:
            size_px = float(state.history.first_CB2[row, 0, 1])
        scale = state.um_per_px
        limit_um = size_px * scale if size_px is not None and scale else None
        known = InductionTime(nucleus.first_seen_s, low_s, nucleus.first_seen_s, limit_um)
    if own is not None and own.birth_low_s is not None:
        known = replace(known, low_s=own.birth_low_s)
    return known


def _birth_rate(
    state: KineticsState, frame: KineticsInput, crystals_px: float, settings: KineticsSettings
) -> RateInterval | None:
    if not frame.um_per_px or state.started_s is None:
        return None
    free_um2 = max(frame.width_px * frame.height_px - crystals_px, 0.0) * frame.um_per_px**2
    watched_s = min(settings.window_s, frame.elapsed_s - state.started_s)
    return births_per_area(len(state.births_s), free_um2, watched_s)
