"""A value that flickers about its limit, at whatever noise: one alert and one recovery."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from monitor.alerts import AlertInput, AlertState, step
from monitor.records import Alert, CompletionState, Forecast, KineticsStep, RunState, TrackerStep
from monitor.settings.alerts import AlertSettings
from tests.crystal_courses import point

NOTHING = Forecast(None, None, None)
EVERY_S = 5.0
FRAMES = 1200
LIMIT = 50.0


def seen(elapsed_s: float, size_px: float, fraction: float) -> AlertInput:
    tracker = TrackerStep((point(1, elapsed_s, max(size_px, 1.0)),))
    completion = CompletionState(RunState.GROWING, fraction, 1.0, NOTHING, NOTHING)
    return AlertInput(elapsed_s, tracker, KineticsStep(), completion)


def told(rule: dict[str, object], frames: list[AlertInput]) -> list[tuple[float, Alert]]:
    settings = AlertSettings.model_validate({"rules": [{"name": "it", **rule}]})
    state, alerts = AlertState(), []
    for one in frames:
        state, these = step(state, one, settings)
        alerts += [(one.elapsed_s, alert) for alert in these]
    return alerts


def course(noise: float, seed: int, rho: float = 0.0) -> list[float]:
    """Well below the limit, at it for 40 min with noise of this share of the limit, well below again."""
    rng = np.random.default_rng(seed)
    means = np.full(FRAMES, 0.4 * LIMIT)
    means[200:680] = LIMIT
    errors = rng.standard_normal(FRAMES)
    for i in range(1, FRAMES):
        errors[i] = rho * errors[i - 1] + np.sqrt(1 - rho**2) * errors[i]
    calm = np.where((np.arange(FRAMES) >= 200) & (np.arange(FRAMES) < 680), 1.0, 0.2)
    return [float(value) for value in means + noise * LIMIT * calm * errors]


@pytest.mark.parametrize("noise", [0.001, 0.01, 0.03, 0.1, 0.3])
@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "size", "limit_px": LIMIT},
        {"kind": "size", "limit_px": LIMIT, "cooldown_s": 0.0},
        {"kind": "coverage", "limit_fraction": LIMIT / 100, "cooldown_s": 0.0},
    ],
)
def test_one_alert_and_one_recovery(rule: dict[str, object], noise: float) -> None:
    for seed in range(5):
        frames = [
            seen(EVERY_S * i, value, min(max(value / 100, 0.0), 1.0))
            for i, value in enumerate(course(noise, seed))
        ]
        alerts = told(rule, frames)
        assert [alert.raised for _, alert in alerts] == [True, False], (noise, seed)
        assert alerts[0][0] >= 1000.0
        assert 3400.0 < alerts[1][0] <= 3700.0, "the recovery comes when it is over, and soon"


def test_without_either_it_would_be_a_flood() -> None:
    bare = {"kind": "size", "limit_px": LIMIT, "clear_px": LIMIT, "clear_for_s": 0.0, "cooldown_s": 0.0}
    frames = [seen(EVERY_S * i, value, 0.1) for i, value in enumerate(course(0.03, 0))]
    assert len(told(bare, frames)) > 100


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_noise_that_lingers_makes_few_alerts(rho: float) -> None:
    """A slow wave that stays below the clear limit for two minutes is a recovery; the cool-down bounds how many."""
    rule = {"kind": "size", "limit_px": LIMIT}
    for noise in (0.01, 0.03, 0.1):
        frames = [seen(EVERY_S * i, value, 0.1) for i, value in enumerate(course(noise, 1, rho))]
        raised = [alert for _, alert in told(rule, frames) if alert.raised]
        assert 1 <= len(raised) <= (1 if noise < 0.1 else 4)


@pytest.mark.parametrize(
    ("direction", "limit", "quiet", "loud"),
    [("above", 1, 1, 2), ("above", 2, 2, 3), ("above", 3, 2, 4), ("above", 20, 18, 21), ("below", 1, 1, 0),
     ("below", 10, 11, 9)],
)  # fmt: skip
def test_a_count_clears_where_it_can(direction: str, limit: int, quiet: int, loud: int) -> None:
    def many(elapsed_s: float, count: int) -> AlertInput:
        tracker = TrackerStep(tuple(point(n + 1, elapsed_s, 9.0) for n in range(count)))
        return replace(seen(elapsed_s, 9.0, 0.1), tracker=tracker)

    rule = {"kind": "count", "limit_count": limit, "direction": direction}
    frames = [many(0, loud), *[many(float(t), quiet) for t in range(10, 200, 10)]]
    assert [alert.raised for _, alert in told(rule, frames)] == [True, False]
