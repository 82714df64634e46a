"""What a frame says of each kind of rule: None where it says nothing, as for a frame that was not
measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.alerts.phase import Phase, Reading
from monitor.frame import DEFAULT_FIELD
from monitor.records import CompletionState, KineticsStep, RunState, TrackerStep, TrackPoint
from monitor.settings.alerts import (
    AlertRule,
    BlindRule,
    CompleteRule,
    CountRule,
    CoverageRule,
    DissolvingRule,
    EngineRule,
    GrowthRateRule,
    NucleationRule,
    RipeningRule,
    SizeRule,
    SlowRule,
    StalledRule,
)

_HYSTERESIS = 0.1
"""Where no clear limit is set, it lies this share of the limit on the quiet side."""
_CLEAR_LOAD = 0.9
_CLEAR_STALL = 2.0


@dataclass(frozen=True, slots=True)
class AlertInput:
    """One frame considered, or a moment without any."""

    elapsed_s: float
    """Seconds since the run's zero."""
    tracker: TrackerStep | None
    """None where the frame was not `ok` or there was none: then only `blind`, `slow` and `engine` can change."""
    kinetics: KineticsStep | None
    """Of the same frame."""
    completion: CompletionState | None
    """Of the same frame; also given where it was not `ok`."""
    field: str = DEFAULT_FIELD
    """The well, drop or stage position."""
    analysis_s: float | None = None
    """How long the analysis of the last frame took, seconds."""
    interval_s: float | None = None
    """The configured interval of the analysis, seconds; None where there is none (replay)."""
    muted_until_s: float | None = None
    """Until then nothing fires, elapsed seconds."""
    engine_works: bool | None = None
    """Whether the back end that should serve does; None: the frame says nothing of it."""
    engine_says: str = ""
    """What runs, and what is missing and why."""


def read(rule: AlertRule, frame: AlertInput, phase: Phase) -> Reading | None:  # noqa: PLR0911, PLR0912 - one per kind
    """What `frame` says of `rule`; `phase` is the rule's, as it stands before."""
    match rule:
        case SlowRule():
            return _slow(rule, frame)
        case EngineRule():
            return _engine(frame)
        case BlindRule():
            return _state(frame, RunState.BLIND)
        case _ if frame.tracker is None:
            return None
        case GrowthRateRule():
            return _growth_rate(rule, frame)
        case NucleationRule():
            return _nucleation(rule, frame, phase)
        case CountRule() | SizeRule() if _only_carried(frame.tracker):
            return None
        case CountRule():
            count = float(len(_shown(frame.tracker)))
            clear = _clear_count(rule) if rule.clear_count is None else rule.clear_count
            return _crossing(rule.direction, count, rule.limit_count, clear, "{:.0f} crystals in view")
        case CoverageRule():
            return _coverage(rule, frame)
        case SizeRule():
            return _size(rule, frame.tracker)
        case StalledRule():
            return _stalled(rule, frame)
        case RipeningRule():
            return _state(frame, RunState.RIPENING)
        case DissolvingRule():
            return _state(frame, RunState.DISSOLVING)
        case CompleteRule():
            return _state(frame, RunState.COMPLETE)


def _shown(tracker: TrackerStep) -> list[TrackPoint]:
    return [p for p in tracker.updated if p.confirmed]


def _only_carried(tracker: TrackerStep) -> bool:
    """Whether all of the frame was carried over: then it says nothing that an earlier one did not."""
    return bool(tracker.updated) and all(p.carried for p in tracker.updated)


def _crossing(
    direction: str,
    value: float,
    limit: float,
    clear: float | None,
    text: str,
    *,
    clear_value: float | None = None,
    crystal_id: int | None = None,
) -> Reading:
    """A value against its limit; `clear_value` is what must be back across `clear`, where that is another
    figure."""
    above = direction == "above"
    inside = -_HYSTERESIS * abs(limit) if above else _HYSTERESIS * abs(limit)
    back = limit + inside if clear is None else clear
    returned = value if clear_value is None else clear_value
    word = "above" if above else "below"
    return Reading(
        fires=value > limit if above else value < limit,
        clears=returned <= back if above else returned >= back,
        message=f"{text.format(value)} (alert {word} {limit:g})",
        value=value,
        limit=limit,
        crystal_id=crystal_id,
    )


def _clear_count(rule: CountRule) -> float:
    """A tenth inside the limit, at least one crystal; of a limit below 3 the limit: none would be left of it."""
    limit = rule.limit_count
    margin = float(int(min(max(1.0, _HYSTERESIS * limit), limit / 3)))
    return limit - margin if rule.direction == "above" else limit + margin


def _growth_rate(rule: GrowthRateRule, frame: AlertInput) -> Reading | None:
    """By the limit of the interval that is nearer to none: noise does not fire."""
    fits = frame.kinetics.fits if frame.kinetics is not None else ()
    um = rule.limit_um_per_s is not None
    rated = [
        (f.crystal_id, rate, low, high)
        for f in fits
        for rate, low, high in [
            (f.rate_um_per_s, f.low_um_per_s, f.high_um_per_s)
            if um
            else (f.rate_px_per_s, f.low_px_per_s, f.high_px_per_s)
        ]
        if rate is not None and low is not None and high is not None
    ]
    if not rated:
        return None
    above = rule.direction == "above"
    crystal: int | None = None
    if rule.of == "median":
        rate, low, high = (float(np.median([r[i] for r in rated])) for i in (1, 2, 3))
        who = f"median of {len(rated)} crystals"
    else:
        crystal, rate, low, high = max(rated, key=lambda r: r[2]) if above else min(rated, key=lambda r: r[3])
        who = f"crystal {crystal}"
    unit = "µm/s" if um else "px/s"
    limit = rule.limit_um_per_s if um else rule.limit_px_per_s
    clear = rule.clear_um_per_s if um else rule.clear_px_per_s
    assert limit is not None
    text = f"growth of {who}: {rate:.3g} {unit} (95 %: {low:.3g} to {high:.3g})"
    reading = _crossing(
        rule.direction, low if above else high, limit, clear, "{:.3g}", clear_value=rate, crystal_id=crystal
    )
    word = "above" if above else "below"
    return Reading(
        reading.fires,
        reading.clears,
        f"{text}, alert {word} {limit:g} {unit}",
        value=rate,
        limit=limit,
        crystal_id=crystal,
    )


def _nucleation(rule: NucleationRule, frame: AlertInput, phase: Phase) -> Reading | None:
    if frame.kinetics is None:
        return None
    births = frame.kinetics.births_in_window
    spent = rule.first_only and phase.told > 0
    fires = births >= rule.limit_births and frame.kinetics.births > 0 and not spent
    if rule.for_s > 0:
        fires = births >= rule.limit_births and not spent
    born_s = frame.kinetics.last_birth_s
    # How long ago, not when: the run's time zero may be set later.
    ago_s = 0.0 if born_s is None else frame.elapsed_s - born_s
    message = (
        f"the first crystal born in this run appeared {ago_s:.0f} s ago"
        if rule.limit_births == 1 and rule.first_only
        else f"{births} crystals were born lately (alert at {rule.limit_births})"
    )
    return Reading(
        fires=fires,
        # Of a first birth there is nothing to clear: it stays raised.
        clears=births < rule.limit_births and not rule.first_only,
        message=message,
        value=float(births),
        limit=float(rule.limit_births),
    )


def _coverage(rule: CoverageRule, frame: AlertInput) -> Reading | None:
    if frame.completion is None or frame.completion.fraction is None:
        return None
    return _crossing(
        rule.direction,
        frame.completion.fraction,
        rule.limit_fraction,
        rule.clear_fraction,
        "crystals cover {:.3f} of the field",
    )


def _size(rule: SizeRule, tracker: TrackerStep) -> Reading | None:
    um = rule.limit_um is not None
    points = [p for p in _shown(tracker) if rule.of == "largest" or not p.observation.touches_border]
    sizes = []
    for p in points:
        size = p.observation.equivalent_diameter_um if um else p.observation.equivalent_diameter_px
        if size is not None:
            sizes.append((size, p.crystal_id))
    if not sizes:
        return None
    crystal: int | None = None
    if rule.of == "largest":
        value, crystal = max(sizes)
    else:
        average = np.median if rule.of == "median" else np.mean
        value = float(average([s for s, _ in sizes]))
    unit = "µm" if um else "px"
    limit = rule.limit_um if um else rule.limit_px
    assert limit is not None
    text = f"{rule.of} crystal size {{:.3g}} {unit}"
    clear = rule.clear_um if um else rule.clear_px
    return _crossing(rule.direction, value, limit, clear, text, crystal_id=crystal)


def _stalled(rule: StalledRule, frame: AlertInput) -> Reading | None:
    if frame.completion is None:
        return None
    watched = frame.completion.state in (RunState.NUCLEATED, RunState.GROWING, RunState.SLOWING)
    rate = frame.completion.decided_by.get("relative_rate_high_per_s")
    if not watched:
        return Reading(False, True, f"the field is {frame.completion.state.value}")
    if rate is None:
        return None
    clear = rule.clear_relative_per_s or _CLEAR_STALL * rule.limit_relative_per_s
    return _crossing(
        "below",
        rate,
        rule.limit_relative_per_s,
        clear,
        "the total area changes by at most {:.3g} of itself per second",
    )


def _state(frame: AlertInput, watched: RunState) -> Reading | None:
    if frame.completion is None:
        return None
    there = frame.completion.state is watched
    return Reading(
        there, not there, frame.completion.explanation or f"the field is {frame.completion.state.value}"
    )


def _slow(rule: SlowRule, frame: AlertInput) -> Reading | None:
    if frame.analysis_s is None or not frame.interval_s:
        return None
    load = frame.analysis_s / frame.interval_s
    clear = rule.clear_load or _CLEAR_LOAD * rule.limit_load
    took = f"a frame takes {frame.analysis_s:.2f} s to analyse, the interval is {frame.interval_s:.2f} s"
    text = f"{took}; load {{:.2f}}"
    return _crossing("above", load, rule.limit_load, clear, text)


def _engine(frame: AlertInput) -> Reading | None:
    if frame.engine_works is None:
        return None
    return Reading(not frame.engine_works, frame.engine_works, frame.engine_says)
