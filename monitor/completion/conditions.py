"""The conditions of `complete`, each with the value that decided and its limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitor.completion.evidence import Evidence, coverage, hold_time_s, recent_evidence
from monitor.completion.series import Column
from monitor.completion.state import CompletionMachineState
from monitor.records import KineticsStep, RunState
from monitor.settings.completion import CompletionSettings

_KEPT_MIN = 0.95


@dataclass(frozen=True, slots=True)
class Verdict:
    """What decided, and what is missing for `complete`."""

    decided_by: Mapping[str, float]
    """Names and values, with units in the names."""
    missing: tuple[str, ...]
    """Conditions that do not hold, in the user's terms; empty: complete."""
    coverage: float
    """Fraction of the hold time observed with good frames."""


def judge(
    state: CompletionMachineState,
    now_s: float,
    kinetics: KineticsStep | None,
    recent: Evidence | None,
    settings: CompletionSettings,
) -> Verdict:
    """Check every condition of `complete` after a good frame."""
    if not state.series_SC.shape[0]:
        return Verdict({"crystals": 0.0}, ("no crystal was seen",), 0.0)
    onset_s = float(state.series_SC[0, Column.ELAPSED_S])
    span_s = now_s - onset_s
    hold_s = hold_time_s(span_s, settings)
    decided: dict[str, float] = {"hold_s": hold_s, "since_first_crystal_s": span_s}
    missing = []
    crystals = float(state.series_SC[-1, Column.COUNT])
    decided["crystals"] = crystals
    if crystals == 0:
        missing.append("no crystal is in view")
    covered = coverage(state.series_SC, now_s, hold_s)
    decided["coverage"], decided["coverage_min"] = covered, settings.min_coverage
    if span_s < hold_s:
        missing.append(
            f"the first crystal was seen {span_s:.0f} s ago, less than the hold time of {hold_s:.0f} s"
        )
    elif covered < settings.min_coverage:
        missing.append(f"only {covered:.0%} of the last {hold_s:.0f} s were observed with good frames")
    missing += _area_at_rest(state, hold_s, span_s, decided, settings)
    if recent is not None and (
        recent.ripening(settings.min_change) or recent.dissolving(settings.min_change)
    ):
        missing.append("crystals are shrinking")
    if state.seeing in (RunState.RIPENING, RunState.DISSOLVING):
        missing += _kept(state, decided)
    quiet_s = settings.no_birth_s or hold_s
    if state.last_birth_s is not None:
        decided["since_birth_s"], decided["no_birth_s"] = now_s - state.last_birth_s, quiet_s
        if now_s - state.last_birth_s < quiet_s:
            missing.append(f"a crystal was born {now_s - state.last_birth_s:.0f} s ago")
    missing += _fronts_at_rest(state, kinetics, hold_s, decided, settings)
    if state.fit is not None and not state.fit.reason:
        reached = float(np.median(state.series_SC[-5:, Column.AREA_PX])) / state.fit.plateau_px
        decided["completeness"], decided["completeness_min"] = reached, settings.min_completeness
        if reached < settings.min_completeness:
            missing.append(f"the area is at {reached:.0%} of the plateau it is heading for")
    return Verdict(decided, tuple(missing), covered)


def _kept(state: CompletionMachineState, decided: dict[str, float]) -> list[str]:
    """A field that ripens or dissolves is complete only if next to nothing of its crystals was lost."""
    area_S = state.series_SC[:, Column.AREA_PX]
    kept = float(np.median(area_S[-5:]) / max(area_S.max(), 1e-9))
    decided["area_over_largest"], decided["area_over_largest_min"] = kept, _KEPT_MIN
    return [] if kept >= _KEPT_MIN else [f"the total area has fallen to {kept:.0%} of its largest"]


def _area_at_rest(
    state: CompletionMachineState,
    hold_s: float,
    span_s: float,
    decided: dict[str, float],
    settings: CompletionSettings,
) -> list[str]:
    held = recent_evidence(state.series_SC, hold_s, curved=True)
    if held is None:
        return ["too few good frames"]
    missing = []
    rate_high = max(abs(held.area.low_per_s), abs(held.area.high_per_s))
    limit = settings.max_change_in_hold / hold_s
    decided["relative_rate_high_per_s"], decided["relative_rate_limit_per_s"] = rate_high, limit
    if rate_high >= limit:
        missing.append(
            f"the total area may still change by up to {rate_high * hold_s:.1%} in {hold_s:.0f} s "
            f"(limit {settings.max_change_in_hold:.1%})"
        )
    remaining = max(held.area.high_per_s, 0.0) * span_s
    decided["remaining"], decided["remaining_limit"] = remaining, settings.max_remaining
    if remaining >= settings.max_remaining and rate_high < limit:
        missing.append(
            f"at this rate a further {remaining:.0%} could grow in as long again "
            f"(limit {settings.max_remaining:.0%})"
        )
    return missing


def _fronts_at_rest(
    state: CompletionMachineState,
    kinetics: KineticsStep | None,
    hold_s: float,
    decided: dict[str, float],
    settings: CompletionSettings,
) -> list[str]:
    """The median front's upper limit against the floor; where no free crystal is fitted, the total area
    decides."""
    high = kinetics.median_front_speed_high_px_per_s if kinetics is not None else None
    if high is None:
        return []
    scale = state.um_per_px
    if settings.front_speed_floor_um_per_s is not None and scale:
        floor = settings.front_speed_floor_um_per_s / scale
    else:
        # A disc whose front moves at εd/4 gains the relative area rate ε: no floor is set below what ε
        # allows.
        size_px = float(state.series_SC[-1, Column.SIZE_PX])
        floor = max(
            settings.front_speed_floor_fraction * state.peak_front_px_per_s,
            settings.max_change_in_hold / hold_s * size_px / 4,
        )
    decided["front_speed_high_px_per_s"], decided["front_speed_floor_px_per_s"] = high, floor
    if high < floor:
        return []
    return [f"crystal fronts may still move at up to {high:.3g} px/s (floor {floor:.3g} px/s)"]
