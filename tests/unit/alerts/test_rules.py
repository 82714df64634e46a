"""Alert rules: each kind fires and clears, says why, and never floods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from pydantic import ValidationError

from monitor.alerts import AlertInput, AlertState, step
from monitor.records import (
    Alert,
    AlertKind,
    CompletionState,
    Forecast,
    GrowthFit,
    KineticsStep,
    RunState,
    TrackerStep,
)
from monitor.settings.alerts import AlertRule, AlertSettings, CountRule, GrowthRateRule
from tests.crystal_courses import point

NOTHING = Forecast(None, None, None)


def rule(**values: object) -> AlertSettings:
    return AlertSettings.model_validate({"rules": [{"name": "it", **values}]})


def frame(
    elapsed_s: float,
    sizes_px: Iterable[float] = (),
    *,
    state: RunState = RunState.GROWING,
    kinetics: KineticsStep | None = None,
    fraction: float = 0.1,
    decided_by: dict[str, float] | None = None,
) -> AlertInput:
    tracker = TrackerStep(tuple(point(n + 1, elapsed_s, d) for n, d in enumerate(sizes_px)))
    completion = CompletionState(
        state, fraction, 1.0, NOTHING, NOTHING, decided_by=decided_by or {}, explanation="Why."
    )
    return AlertInput(elapsed_s, tracker, kinetics or KineticsStep(), completion)


def unmeasured(elapsed_s: float, state: RunState = RunState.GROWING) -> AlertInput:
    completion = CompletionState(state, None, 0.0, NOTHING, NOTHING, explanation="Why.")
    return AlertInput(elapsed_s, None, None, completion)


def growth(crystal_id: int, rate: float, half: float) -> GrowthFit:
    return GrowthFit(
        crystal_id,
        2 * rate,
        2 * (rate - half),
        2 * (rate + half),
        rate,
        rate - half,
        rate + half,
        half,
        rate,
        20,
        60.0,
        1.0,
    )


def watch(settings: AlertSettings, frames: Iterable[AlertInput]) -> list[tuple[float, Alert]]:
    state, alerts = AlertState(), []
    for f in frames:
        state = AlertState.from_json(state.to_json())
        state, told = step(state, f, settings)
        alerts += [(f.elapsed_s, a) for a in told]
    return alerts


KINDS: list[tuple[dict[str, object], AlertInput, AlertInput]] = [
    ({"kind": "count", "limit_count": 2}, frame(0, [9, 9]), frame(1, [9, 9, 9])),
    ({"kind": "count", "limit_count": 2, "direction": "below"}, frame(0, [9, 9]), frame(1, [9])),
    ({"kind": "coverage", "limit_fraction": 0.5}, frame(0, fraction=0.5), frame(1, fraction=0.51)),
    ({"kind": "size", "limit_um": 50}, frame(0, [20, 50]), frame(1, [20, 51])),
    ({"kind": "size", "limit_px": 30, "of": "median"}, frame(0, [20, 29, 90]), frame(1, [20, 31, 90])),
    (
        {"kind": "size", "limit_px": 30, "of": "mean", "direction": "below"},
        frame(0, [20, 40]),
        frame(1, [20, 38]),
    ),
    (
        {"kind": "growth_rate", "limit_um_per_s": 0.1},
        frame(0, [9], kinetics=KineticsStep(fits=(growth(1, 0.15, 0.06),))),
        frame(1, [9], kinetics=KineticsStep(fits=(growth(1, 0.15, 0.04),))),
    ),
    (
        {"kind": "growth_rate", "limit_px_per_s": 0.1, "direction": "below", "of": "any"},
        frame(0, [9], kinetics=KineticsStep(fits=(growth(1, 0.04, 0.02), growth(2, 0.3, 0.02)))),
        frame(1, [9], kinetics=KineticsStep(fits=(growth(1, 0.04, 0.005), growth(2, 0.3, 0.02)))),
    ),
    (
        {"kind": "nucleation"},
        frame(0, [9]),
        frame(1, [9], kinetics=KineticsStep(births=1, births_in_window=1, last_birth_s=1.0)),
    ),
    (
        {"kind": "stalled", "limit_relative_per_s": 1e-4},
        frame(0, [9], decided_by={"relative_rate_high_per_s": 2e-4}),
        frame(1, [9], decided_by={"relative_rate_high_per_s": 5e-5}),
    ),
    ({"kind": "ripening"}, frame(0), frame(1, state=RunState.RIPENING)),
    ({"kind": "dissolving"}, frame(0), frame(1, state=RunState.DISSOLVING)),
    ({"kind": "complete"}, frame(0), frame(1, state=RunState.COMPLETE)),
    ({"kind": "blind"}, frame(0), unmeasured(1, RunState.BLIND)),
    (
        {"kind": "slow"},
        replace(frame(0), analysis_s=0.9, interval_s=1.0),
        replace(frame(1), analysis_s=1.1, interval_s=1.0),
    ),
    (
        {"kind": "engine"},
        replace(frame(0), engine_works=True, engine_says="openvino bf16 runs"),
        replace(unmeasured(1), engine_works=False, engine_says="no back end works"),
    ),
]


@pytest.mark.parametrize(
    ("values", "quiet", "loud"), KINDS, ids=lambda v: v.get("kind", "") if isinstance(v, dict) else ""
)
def test_each_kind_fires_once_across_its_limit(
    values: dict[str, object], quiet: AlertInput, loud: AlertInput
) -> None:
    alerts = watch(rule(**values), [quiet, loud, replace(loud, elapsed_s=2)])
    assert [(t, a.raised, a.rule) for t, a in alerts] == [(1, True, "it")]
    assert alerts[0][1].kind is AlertKind(values["kind"])
    assert alerts[0][1].message


def test_every_kind_of_alert_has_a_rule_that_is_tested() -> None:
    # Of the whole station, without a rule: deliveries, and see monitor/analysis/storage_watch.py.
    without_rule = {AlertKind.DELIVERY, AlertKind.DISK, AlertKind.WAL}
    assert {values["kind"] for values, _, _ in KINDS} == {kind.value for kind in AlertKind} - without_rule


def test_an_engine_of_which_nothing_is_known_changes_nothing() -> None:
    settings = rule(kind="engine", cooldown_s=0)
    lost, unknown = replace(frame(0), engine_works=False, engine_says="it is lost"), unmeasured(0)
    back = replace(frame(0), engine_works=True, engine_says="it runs")
    course = [unknown, lost, unknown, lost, unknown, back, unknown]
    told = watch(settings, [replace(each, elapsed_s=float(t)) for t, each in enumerate(course)])
    assert [(t, alert.raised, alert.message) for t, alert in told] == [
        (1, True, "it is lost"),
        (5, False, "cleared: it runs"),
    ]


def test_message_names_value_limit_and_unit() -> None:
    fits = (growth(7, 0.15, 0.04), growth(8, 0.05, 0.01))
    settings = rule(kind="growth_rate", limit_um_per_s=0.1, of="any")
    ((_, alert),) = watch(settings, [frame(0, [9], kinetics=KineticsStep(fits=fits))])
    assert alert.crystal_id == 7
    assert (alert.value, alert.limit) == (0.15, 0.1)
    assert "crystal 7: 0.15 µm/s (95 %: 0.11 to 0.19)" in alert.message
    assert "above 0.1 µm/s" in alert.message


def test_for_duration_must_hold_without_a_break() -> None:
    settings = rule(kind="count", limit_count=2, for_s=10)
    steady = [frame(t, [9] * 3) for t in range(0, 14, 2)]
    broken = [frame(t, [9] * (2 if t == 8 else 3)) for t in range(0, 14, 2)]
    assert [t for t, _ in watch(settings, steady)] == [10]
    assert watch(settings, broken) == []


def test_hysteresis_clears_only_across_the_clear_limit() -> None:
    settings = rule(kind="coverage", limit_fraction=0.5, clear_fraction=0.4, clear_for_s=0)
    course = [0.45, 0.55, 0.45, 0.55, 0.45, 0.39, 0.45]
    alerts = watch(settings, [frame(t, fraction=x) for t, x in enumerate(course)])
    assert [(t, a.raised) for t, a in alerts] == [(1, True), (5, False)]


def test_flicker_at_a_limit_is_no_flood() -> None:
    flicker = [frame(t, [9] * (3 if t % 2 else 2)) for t in range(3000)]
    bare = watch(rule(kind="count", limit_count=2, cooldown_s=0, clear_for_s=0), flicker)
    assert len(bare) == 3000 - 1
    cooled = watch(rule(kind="count", limit_count=2, cooldown_s=300), flicker)
    assert len(cooled) <= 2 * (3000 // 300 + 1)
    steadied = watch(rule(kind="count", limit_count=2, clear_count=1, cooldown_s=0), flicker)
    assert len(steadied) == 1


def test_frames_that_were_not_measured_change_nothing() -> None:
    settings = rule(kind="count", limit_count=2, direction="below", clear_count=2, clear_for_s=0)
    assert watch(settings, [unmeasured(t) for t in range(10)]) == []
    raised = [frame(0, [9]), unmeasured(1), unmeasured(2), frame(3, [9, 9])]
    assert [(t, a.raised) for t, a in watch(settings, raised)] == [(0, True), (3, False)]


def test_carried_values_raise_nothing() -> None:
    carried = TrackerStep(tuple(point(n, 0.0, 90.0, carried=True) for n in (1, 2, 3)))
    for values in ({"kind": "count", "limit_count": 2}, {"kind": "size", "limit_px": 50}):
        assert watch(rule(**values), [frame(0, [90.0] * 3)])
        assert watch(rule(**values), [replace(frame(0), tracker=carried)]) == []


def test_first_nucleation_is_told_once_in_a_run() -> None:
    birth = KineticsStep(births=1, births_in_window=1, last_birth_s=1.0)
    calm = KineticsStep()
    frames = [frame(1000.0 * t, [9], kinetics=birth if t in (2, 5) else calm) for t in range(8)]
    assert [t for t, a in watch(rule(kind="nucleation"), frames) if a.raised] == [2000.0]
    bursts = watch(rule(kind="nucleation", first_only=False), frames)
    assert [t for t, a in bursts if a.raised] == [2000.0, 5000.0]


def test_a_first_birth_beside_crystals_that_were_there_is_not_called_the_first_crystal() -> None:
    birth = KineticsStep(births=1, births_in_window=1, last_birth_s=1.0)
    told = watch(rule(kind="nucleation"), [frame(4, [9, 9], kinetics=birth)])
    assert [a.message for _, a in told] == ["the first crystal born in this run appeared 3 s ago"]


def test_muted_rules_fire_when_the_muting_ends_if_it_still_holds() -> None:
    settings = rule(kind="count", limit_count=2)
    frames = [replace(frame(t, [9] * 3), muted_until_s=5.0) for t in range(8)]
    assert [t for t, _ in watch(settings, frames)] == [5]
    passing = [replace(frame(t, [9] * (3 if t < 4 else 1)), muted_until_s=5.0) for t in range(8)]
    assert watch(settings, passing) == []


def test_a_rule_may_be_for_some_fields_only() -> None:
    settings = rule(kind="count", limit_count=2, fields=["A1"])
    assert watch(settings, [frame(0, [9] * 3)]) == []
    assert len(watch(settings, [replace(frame(0, [9] * 3), field="A1")])) == 1


def test_default_rules_are_quiet_while_crystals_ripen_but_for_ripening() -> None:
    fits = KineticsStep(fits=(growth(1, 5.0, 0.1),))
    alerts = watch(
        AlertSettings(), [frame(t, [9], kinetics=fits, state=RunState.RIPENING) for t in range(20)]
    )
    assert [a.kind for _, a in alerts] == [AlertKind.RIPENING]


@pytest.mark.parametrize("values", [{}, {"limit_um_per_s": 1.0, "limit_px_per_s": 1.0}])
def test_a_growth_rule_needs_one_unit(values: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="give either limit_um_per_s or limit_px_per_s"):
        GrowthRateRule(name="it", **values)


def test_names_of_rules_are_distinct() -> None:
    twice: tuple[AlertRule, ...] = (CountRule(name="a", limit_count=1), CountRule(name="a", limit_count=2))
    with pytest.raises(ValidationError, match="used more than once: a"):
        AlertSettings(rules=twice)


@pytest.mark.parametrize("junk", ["", "[]", "null", "{}", '{"version": 1, "phases": {"a": {"odd": 1}}}'])
def test_junk_is_no_state(junk: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        AlertState.from_json(junk)
