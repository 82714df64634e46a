"""When 90 % and 95 % of the plateau will be reached; fitted again only when there is enough that is new.

The limits are not the fit's alone: few real courses are of Avrami's form, and a course that flattens more slowly looks
nearly finished to it. What is added was set on 27 courses of several kinds, and holds on 15 others:
`tests/accuracy/test_forecast_coverage.py`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from monitor.completion.evidence import Evidence
from monitor.completion.jmak import NOT_SLOWING, TOO_FEW, JmakFit, fit_jmak
from monitor.completion.series import Column, binned
from monitor.completion.state import CompletionMachineState
from monitor.records import Forecast

_FIT_BINS = 100
_REFIT_FRACTION = 0.04
_STILL_FAST = 0.8
_MIN_SAMPLES = 30
"""Good frames since the first crystal that a forecast rests on at least."""
_LATER_LOG = 0.75
"""A course of another form may be this much later, ln of the time since the first crystal."""
_SOONER_LOG = 0.1
"""And this much sooner."""
_TAIL_ORDER = 1.5
"""Order of the slowest law by which the rest is taken to vanish; Avrami's is near 1."""
_LARGEST_QUANTILE = 2.0
_WIDEST = 5.0
"""Limits further apart than this factor of the time since the first crystal are no forecast."""
TOO_WIDE = "not identifiable yet: the limits are further apart than a factor of five"


def with_forecast(state: CompletionMachineState, evidence: Evidence | None = None) -> CompletionMachineState:
    """`state` with its course fitted and its forecasts renewed, if that is due.

    While the area's rate (`evidence`) is near its highest there is no plateau to see, and nothing is fitted.
    """
    if not state.series_SC.shape[0]:
        return state
    if evidence is not None:
        rate = evidence.area.rate_per_s * evidence.mean_area_px
        if rate > _STILL_FAST * state.peak_rate_px_per_s > 0:
            nothing = Forecast(None, None, None, NOT_SLOWING)
            return replace(state, fit=None, fit_due=0, t90=nothing, t95=nothing)
    if state.fit_due > 1:
        return replace(state, fit_due=state.fit_due - 1)
    short_SC = binned(state.series_SC, _FIT_BINS)
    first_s = float(state.series_SC[0, Column.ELAPSED_S])
    fit = fit_jmak(short_SC[:, Column.ELAPSED_S], short_SC[:, Column.AREA_PX], first_s, state.fit)
    due = max(1, round(_REFIT_FRACTION * state.series_SC.shape[0]))
    state = replace(state, fit=fit, fit_due=due)
    if fit is None:
        nothing = Forecast(None, None, None, TOO_FEW)
        return replace(state, t90=nothing, t95=nothing)
    reason = fit.reason
    if state.series_SC.shape[0] < _MIN_SAMPLES:
        reason = TOO_FEW
    if not reason and state.peak_rate_px_per_s <= 0:
        reason = NOT_SLOWING
    if reason:
        nothing = Forecast(None, None, None, reason)
        return replace(state, t90=nothing, t95=nothing)
    first = (first_s, float(state.series_SC[-1, Column.ELAPSED_S]))
    return replace(
        state,
        t90=forecast(fit, 0.9, fit.t90_log_error, first),
        t95=forecast(fit, 0.95, fit.t95_log_error, first),
    )


def forecast(fit: JmakFit, fraction: float, log_error: float, seen_s: tuple[float, float]) -> Forecast:
    """When `fraction` of the plateau is reached, with limits that allow for a course of another form.

    `seen_s`: elapsed times of the first crystal and of the last frame.
    """
    first_s, last_s = seen_s
    span_s = max(last_s - first_s, 1e-9)
    reach_s = float(np.exp(fit.log_reach(fraction, first_s)))
    # A fit whose residuals are its misfit counts few samples as free; what that would allow for is allowed for below.
    error = min(fit.quantile, _LARGEST_QUANTILE) * log_error
    # What has been at rest for long leaves less to another law.
    later = _LATER_LOG * min(1.0, reach_s / span_s)
    tail_s = _slow_tail_s(fit, fraction, seen_s)
    factor_low, factor_high = np.exp(-min(error + _SOONER_LOG, 50.0)), np.exp(min(error, 50.0))
    low_s, high_s = reach_s * factor_low, max(reach_s * np.exp(later), tail_s) * factor_high
    if not high_s <= _WIDEST * low_s:
        return Forecast(None, None, None, TOO_WIDE)
    return Forecast(first_s + reach_s, first_s + float(low_s), first_s + float(high_s))


def _slow_tail_s(fit: JmakFit, fraction: float, seen_s: tuple[float, float]) -> float:
    """Seconds from the first crystal to `fraction`, if what is left is closed by a slower law than Avrami's.

    From now on d(rest)/dt = −k·rest^q, q = `_TAIL_ORDER`, which leaves with the fitted rate r and its decay
    λ = −d ln r/dt: rest = q·r/λ. Infinite while the rate does not decay.
    """
    first_s, last_s = seen_s
    n = float(np.exp(fit.log_exponent))
    since_s = max(last_s - fit.onset_s, 1e-9)
    z = (since_s / float(np.exp(fit.log_tau))) ** n
    reached, rate_per_s = -float(np.expm1(-z)), n / since_s * z * float(np.exp(-z))
    decay_per_s = (n * z - (n - 1)) / since_s
    if decay_per_s <= 0:
        return float("inf")
    rest = _TAIL_ORDER * rate_per_s / decay_per_s
    wanted = (1 - fraction) * (reached + rest)
    if rest <= wanted:
        return 0.0
    more = _TAIL_ORDER - 1
    more_s = ((rest / wanted) ** more - 1) * rest / (more * rate_per_s)
    return last_s - first_s + float(more_s)
