"""When 90 % and 95 % of the plateau will be reached; fitted again only when there is enough that is new."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from monitor.completion.jmak import NOT_SLOWING, TOO_FEW, JmakFit, fit_jmak
from monitor.completion.series import Column, binned
from monitor.completion.state import CompletionMachineState
from monitor.records import Forecast

_FIT_BINS = 100
_REFIT_FRACTION = 0.03


def with_forecast(state: CompletionMachineState) -> CompletionMachineState:
    """`state` with its course fitted and its forecasts renewed, if that is due."""
    if not state.series_SC.shape[0]:
        return state
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
    return replace(
        state,
        t90=_forecast(fit, 0.9, fit.t90_log_error, first_s),
        t95=_forecast(fit, 0.95, fit.t95_log_error, first_s),
    )


def _forecast(fit: JmakFit, fraction: float, log_error: float, first_s: float) -> Forecast:
    """Interval symmetric in the logarithm of the time since the first crystal."""
    expected_s = fit.time_to(fraction)
    reach_s = max(expected_s - first_s, 0.0)
    factor = float(np.exp(fit.quantile * log_error))
    return Forecast(expected_s, first_s + reach_s / factor, first_s + reach_s * factor)
