"""When 90 % and 95 % of the plateau will be reached; fitted again only when there is enough that is new."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np

from monitor.completion.evidence import Evidence
from monitor.completion.jmak import NOT_SLOWING, TOO_FEW, JmakFit, fit_jmak
from monitor.completion.series import Column, binned
from monitor.completion.state import CompletionMachineState
from monitor.records import Forecast

_FIT_BINS = 100
_REFIT_FRACTION = 0.04
_STILL_FAST = 0.8
_KEPT_FORECASTS = 16
_DRIFT_FORECASTS = 4
_DRIFT_LOOK_BACK = 0.5
_DRIFT_AHEAD = 0.3
_MAX_LOG_FACTOR = 5.0


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
    if not reason and state.peak_rate_px_per_s <= 0:
        reason = NOT_SLOWING
    if reason:
        nothing = Forecast(None, None, None, reason)
        return replace(state, t90=nothing, t95=nothing)
    log_span = log(max(float(state.series_SC[-1, Column.ELAPSED_S]) - first_s, 1e-9))
    log_reach = fit.log_reach(0.95, first_s)
    foretold = (*state.foretold, (log_span, log_reach))[-_KEPT_FORECASTS:]
    drift = forecast_drift(foretold)
    return replace(
        state,
        foretold=foretold,
        t90=forecast(fit, 0.9, fit.t90_log_error, first_s, drift),
        t95=forecast(fit, 0.95, fit.t95_log_error, first_s, drift),
    )


def forecast_drift(foretold: tuple[tuple[float, float], ...]) -> float:
    """By how much (in ln) the forecast is still likely to move, from how it has moved while the run went on.

    A course that is not of the Avrami form makes the forecast creep as the run goes on, and the fit's own errors know
    nothing of that. Its slope over ln(time) so far is carried on to the time foretold.
    """
    if len(foretold) < _DRIFT_FORECASTS:
        return 0.0
    x, y = np.array(foretold).T
    recent = x >= x[-1] - _DRIFT_LOOK_BACK
    x, y = x[recent] - x[recent].mean(), y[recent]
    if recent.sum() < _DRIFT_FORECASTS or not np.any(x):
        return 0.0
    slope = float((x @ y) / (x @ x))
    ahead = max(foretold[-1][1] - foretold[-1][0], _DRIFT_AHEAD)
    return abs(slope) * ahead


def forecast(fit: JmakFit, fraction: float, log_error: float, first_s: float, drift: float) -> Forecast:
    """Interval symmetric in the logarithm of the time since the first crystal."""
    reach_s = float(np.exp(fit.log_reach(fraction, first_s)))
    factor = float(np.exp(min(np.hypot(fit.quantile * log_error, drift), _MAX_LOG_FACTOR)))
    return Forecast(first_s + reach_s, first_s + reach_s / factor, first_s + reach_s * factor)
