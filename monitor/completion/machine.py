"""The completion state machine of one field.

    waiting ──first crystal──▶ nucleated ──area rises──▶ growing ──rate below half its peak──▶ slowing
                                   │                        ▲  ▲──────────rate back up──────────┘
                                   │                        └──────new growth (reopened)──────┐
                                   └────────── nothing has changed over the hold time ──▶ complete
                                                 (from any state but waiting and blind)

    any ──number falls, mean size grows, area does not──▶ ripening ──┐
    any ──total area falls, sizes do not grow──▶ dissolving ─────────┴──area rises──▶ growing
    any ──no good frame for blind_after_s──▶ blind ──good frame──▶ the state before, judged anew

`complete` needs all conditions of `_missing`; it is left for new growth, ripening or dissolving, never for
noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from monitor.completion.conditions import Verdict, judge
from monitor.completion.evidence import Evidence, coverage, hold_time_s, recent_evidence, trend_window_s
from monitor.completion.explanation import explain
from monitor.completion.forecasting import with_forecast
from monitor.completion.series import Column, appended, empty_series
from monitor.completion.state import CompletionMachineState
from monitor.records import CompletionState, EndReason, KineticsStep, Observation, RunState, TrackerStep
from monitor.settings.completion import CompletionSettings

_KEPT_INTERVALS = 15
_GAP_TOLERANCE = 1.5
_BLIND_INTERVALS = 3.0
_CARRIED_SHARE = 0.05
_REOPEN_GROWTH = 0.03


@dataclass(frozen=True, slots=True)
class CompletionInput:
    """One frame considered, good or not; or a moment without any frame, so that blindness is noticed."""

    elapsed_s: float
    """Seconds since the run's zero."""
    tracker: TrackerStep | None
    """What the tracker says; None where the frame was not `ok` or there was none."""
    kinetics: KineticsStep | None
    """Of the same frame; None where the tracker's is."""
    field_area_px: float
    """Area of the whole frame, px²."""
    um_per_px: float | None = None
    """Calibration."""
    kept: bool = False
    """Whether parts of the frame were not inferred in it, their values carried over."""


def step(
    state: CompletionMachineState, frame: CompletionInput, settings: CompletionSettings
) -> tuple[CompletionMachineState, CompletionState]:
    """Take in one frame and say how far the field has come."""
    before = state.state
    started_s = frame.elapsed_s if state.started_s is None else state.started_s
    state = replace(state, started_s=started_s)
    tracker = frame.tracker
    if tracker is None:
        state = _without_sight(state, frame.elapsed_s, settings)
        return state, _told(state, frame, settings, None, before)
    state = _watched(state, frame, tracker)
    if _mostly_carried(tracker, frame):
        state = _without_sight(state, frame.elapsed_s, settings)
        return state, _told(state, frame, settings, None, before)
    state = _with_sample(state, frame, tracker)
    evidence = None
    if state.series_SC.shape[0]:
        span_s = frame.elapsed_s - float(state.series_SC[0, Column.ELAPSED_S])
        evidence = recent_evidence(state.series_SC, trend_window_s(span_s, settings), curved=True)
    state = _with_peaks(state, frame.kinetics, evidence)
    state = with_forecast(state, evidence)
    verdict = judge(state, frame.elapsed_s, frame.kinetics, evidence, settings)
    seeing = _next(state, evidence, verdict, frame.kinetics, settings)
    if seeing is RunState.COMPLETE and state.completed_s is None:
        area_px = float(state.series_SC[-1, Column.AREA_PX])
        state = replace(state, completed_s=frame.elapsed_s, completed_area_px=area_px)
    if seeing is RunState.GROWING:
        state = replace(state, completed_s=None)
    state = replace(state, state=seeing, seeing=seeing, unjudged_births=0)
    return state, _told(state, frame, settings, verdict, before)


def _mostly_carried(tracker: TrackerStep, frame: CompletionInput) -> bool:
    """Whether too much of the area was carried over for the frame to be evidence.

    Without crystals only a frame that was inferred whole is evidence that there are none.
    """
    area = sum(p.observation.area_px for p in tracker.updated)
    if area == 0:
        return frame.kept
    carried = sum(p.observation.area_px for p in tracker.updated if p.carried)
    return carried > _CARRIED_SHARE * area


def _watched(
    state: CompletionMachineState, frame: CompletionInput, tracker: TrackerStep
) -> CompletionMachineState:
    """What every good frame adds, carried or not: births and mergers that others saw, and time that was watched.

    The time counts only once a frame that was not carried ends it: what stands in between was compared with the
    frame before it and found unchanged, but only looking again proves that.
    """
    now_s = frame.elapsed_s
    intervals_s, pending_s = state.intervals_s, state.pending_s
    if state.last_frame_s is not None and now_s > state.last_frame_s:
        gap_s = now_s - state.last_frame_s
        intervals_s = (*intervals_s, gap_s)[-_KEPT_INTERVALS:]
        # A gap counts as observed only as far as the usual interval between frames explains it.
        pending_s += min(gap_s, _GAP_TOLERANCE * float(np.median(intervals_s)))
    births = frame.kinetics.births if frame.kinetics is not None else 0
    return replace(
        state,
        intervals_s=intervals_s,
        last_frame_s=now_s,
        pending_s=pending_s,
        merged=state.merged + sum(e.reason is EndReason.MERGED for e in tracker.ended),
        last_birth_s=now_s if births else state.last_birth_s,
        unjudged_births=state.unjudged_births + births,
    )


def _without_sight(
    state: CompletionMachineState, now_s: float, settings: CompletionSettings
) -> CompletionMachineState:
    usual_s = float(np.median(state.intervals_s)) if state.intervals_s else 0.0
    patience_s = max(settings.blind_after_s, _BLIND_INTERVALS * usual_s)
    seen_s = state.last_good_s if state.last_good_s is not None else state.started_s
    if seen_s is not None and now_s - seen_s >= patience_s:
        return replace(state, state=RunState.BLIND, pending_s=0.0)
    return state


def _with_sample(
    state: CompletionMachineState, frame: CompletionInput, tracker: TrackerStep
) -> CompletionMachineState:
    now_s, observed_s = frame.elapsed_s, state.pending_s
    series_SC, peaks = state.series_SC, (state.peak_rate_px_per_s, state.peak_front_px_per_s)
    fit = state.fit
    if frame.um_per_px != state.um_per_px:
        series_SC, peaks, fit = empty_series(), (0.0, 0.0), None
    shown = _shown(tracker)
    if shown or series_SC.shape[0]:
        if series_SC.shape[0]:
            observed_s += float(series_SC[-1, Column.OBSERVED_S])
        size_px = float(np.mean([o.equivalent_diameter_px for o in shown])) if shown else 0.0
        area_px = float(sum(o.area_px for o in shown))
        sample = np.array([now_s, observed_s, area_px, len(shown), state.merged, size_px])
        series_SC = appended(series_SC, sample)
    return replace(
        state,
        series_SC=series_SC,
        last_good_s=now_s,
        pending_s=0.0,
        um_per_px=frame.um_per_px,
        peak_rate_px_per_s=peaks[0],
        peak_front_px_per_s=peaks[1],
        fit=fit,
    )


def _shown(tracker: TrackerStep) -> list[Observation]:
    """The confirmed crystals; those fused for the moment are part of the area all the same."""
    return [*(p.observation for p in tracker.updated if p.confirmed), *tracker.unresolved]


def _with_peaks(
    state: CompletionMachineState, kinetics: KineticsStep | None, evidence: Evidence | None
) -> CompletionMachineState:
    if evidence is not None:
        rate = evidence.area.low_per_s * evidence.mean_area_px
        state = replace(state, peak_rate_px_per_s=max(state.peak_rate_px_per_s, rate))
    if kinetics is not None and kinetics.median_front_speed_px_per_s is not None:
        front, high = kinetics.median_front_speed_px_per_s, kinetics.median_front_speed_high_px_per_s or 0.0
        # Only a front that is known to move makes a peak, and by its lower limit: noise must not raise the
        # floor.
        front = 2 * front - high
        state = replace(state, peak_front_px_per_s=max(state.peak_front_px_per_s, front))
    return state


def _next(  # noqa: PLR0911 - one return for each arrow of the diagram
    state: CompletionMachineState,
    evidence: Evidence | None,
    verdict: Verdict,
    kinetics: KineticsStep | None,
    settings: CompletionSettings,
) -> RunState:
    seeing, least = state.seeing, settings.min_change
    if not state.series_SC.shape[0]:
        return RunState.WAITING if seeing is RunState.WAITING else seeing
    if seeing is RunState.WAITING:
        seeing = RunState.NUCLEATED
    if evidence is None:
        return seeing
    if seeing is RunState.COMPLETE:
        return _after_complete(state, evidence, settings)
    if evidence.ripening(least):
        return RunState.RIPENING
    # Ripening goes on through stretches in which sizes stand still; only shrinking crystals end it.
    if evidence.shrinking(least) if seeing is RunState.RIPENING else evidence.dissolving(least):
        return RunState.DISSOLVING
    rate_high = evidence.area.high_per_s * evidence.mean_area_px
    slow = rate_high < settings.slowing_fraction * state.peak_rate_px_per_s
    if evidence.growing(least):
        rate_low = evidence.area.low_per_s * evidence.mean_area_px
        # Back from slowing only when the rate is surely above the limit: no flicker about it.
        quick = rate_low > settings.slowing_fraction * state.peak_rate_px_per_s
        return RunState.SLOWING if slow or (seeing is RunState.SLOWING and not quick) else RunState.GROWING
    if not verdict.missing:
        return RunState.COMPLETE
    if seeing is RunState.GROWING and slow:
        return RunState.SLOWING
    return seeing


def _after_complete(
    state: CompletionMachineState,
    evidence: Evidence,
    settings: CompletionSettings,
) -> RunState:
    area_px = float(np.median(state.series_SC[-5:, Column.AREA_PX]))
    regrown = area_px > (1 + _REOPEN_GROWTH) * state.completed_area_px
    if state.unjudged_births or (regrown and evidence.area.low_per_s > 0):
        return RunState.GROWING
    if evidence.ripening(settings.min_change):
        return RunState.RIPENING
    if evidence.dissolving(settings.min_change):
        return RunState.DISSOLVING
    return RunState.COMPLETE


def _told(
    state: CompletionMachineState,
    frame: CompletionInput,
    settings: CompletionSettings,
    verdict: Verdict | None,
    before: RunState,
) -> CompletionState:
    reference_px = settings.reference_area_px or frame.field_area_px
    fraction = None
    if frame.tracker is not None and reference_px > 0:
        fraction = min(sum(o.area_px for o in _shown(frame.tracker)) / reference_px, 1.0)
    onset_s = float(state.series_SC[0, Column.ELAPSED_S]) if state.series_SC.shape[0] else frame.elapsed_s
    hold_s = hold_time_s(frame.elapsed_s - onset_s, settings)
    decided_by = dict(verdict.decided_by) if verdict is not None else {}
    if state.last_good_s is not None:
        decided_by["since_good_frame_s"] = frame.elapsed_s - state.last_good_s
    covered = 0.0
    if verdict is not None:
        covered = verdict.coverage
    elif frame.tracker is not None and state.last_good_s is not None:
        covered = coverage(state.series_SC, state.last_good_s, hold_s)  # as it stood when last looked at
    return CompletionState(
        state=state.state,
        fraction=fraction,
        coverage=covered,
        t90=state.t90,
        t95=state.t95,
        completed_elapsed_s=state.completed_s,
        decided_by=decided_by,
        changed=state.state is not before,
        explanation=explain(
            state, verdict, frame.elapsed_s, hold_s, carried=verdict is None and frame.tracker is not None
        ),
    )
