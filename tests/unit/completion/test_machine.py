"""The completion state machine: every state, and what must never happen."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.completion import CompletionInput, CompletionMachineState, initial_state, step
from monitor.records import CompletionState, EndReason, KineticsStep, RunState, TrackerStep
from monitor.settings.completion import CompletionSettings
from tests.crystal_courses import depleting, point, tracked

FIELD_PX = 1e6


class Watch:
    """A field under observation; every fifth state goes through JSON, as over a restart."""

    def __init__(self, settings: CompletionSettings | None = None) -> None:
        self.settings = settings or CompletionSettings()
        self.state = initial_state()
        self.told: list[tuple[float, CompletionState]] = []

    def see(self, elapsed_s: float, tracker: TrackerStep | None) -> CompletionState:
        births = sum(b.kind.value == "born" for b in tracker.born) if tracker else 0
        kinetics = KineticsStep(births=births) if tracker else None
        if len(self.told) % 5 == 0:
            self.state = CompletionMachineState.from_json(self.state.to_json())
        frame = CompletionInput(float(elapsed_s), tracker, kinetics, FIELD_PX)
        self.state, told = step(self.state, frame, self.settings)
        self.told.append((float(elapsed_s), told))
        return told

    def course(
        self, times_s: np.ndarray, sizes_TN: np.ndarray, end: EndReason = EndReason.DISSOLVED
    ) -> list[RunState]:
        for t, tracker in zip(times_s, tracked(times_s, sizes_TN, end), strict=True):
            self.see(t, tracker)
        return [c.state for _, c in self.told]


def completed(times_s: np.ndarray) -> tuple[Watch, float]:
    """A field that grew and was complete, and when."""
    watch = Watch()
    states = watch.course(times_s, depleting(times_s, 30, 400.0, 0.1, 0)[0])
    assert states[-1] is RunState.COMPLETE
    return watch, float(times_s[states.index(RunState.COMPLETE)])


TIMES = np.arange(0.0, 6000.0, 60.0)


@pytest.mark.parametrize("seed", range(2))
def test_a_growing_run_goes_through_all_states_and_is_complete_only_past_95_percent(seed: int) -> None:
    measured, true = depleting(TIMES, 30, 400.0, 0.2, seed)
    watch = Watch()
    states = watch.course(TIMES, measured)
    order = [s for i, s in enumerate(states) if i == 0 or s is not states[i - 1]]
    expected = [RunState.WAITING, RunState.NUCLEATED, RunState.GROWING, RunState.SLOWING, RunState.COMPLETE]
    assert order == expected
    area = (true**2).sum(axis=1)
    assert area[states.index(RunState.COMPLETE)] >= 0.95 * area[-1]
    _, last = watch.told[-1]
    assert last.completed_elapsed_s == TIMES[states.index(RunState.COMPLETE)]
    assert "relative_rate_high_per_s" in last.decided_by
    assert last.fraction == pytest.approx(np.pi / 4 * np.nansum(measured[-1] ** 2) / FIELD_PX)


@pytest.mark.parametrize("speed", [0.01, 60.0])
def test_what_is_complete_does_not_depend_on_the_scale_of_time(speed: float) -> None:
    times = TIMES / speed
    watch = Watch(CompletionSettings(hold_s=600.0 / speed, blind_after_s=120.0 / speed))
    states = watch.course(times, depleting(times, 30, 400.0 / speed, 0.2, 1)[0])
    reference = Watch().course(TIMES, depleting(TIMES, 30, 400.0, 0.2, 1)[0])
    assert states == reference


def test_without_crystals_it_waits_and_says_so() -> None:
    watch = Watch()
    states = watch.course(np.arange(0.0, 7200.0, 120.0), np.full((60, 1), np.nan))
    assert set(states) == {RunState.WAITING}
    assert "No crystal" in watch.told[-1][1].explanation


def test_growth_that_has_not_ended_is_never_complete() -> None:
    times = np.arange(0.0, 36000.0, 240.0)
    rng = np.random.default_rng(2)
    for rate in (0.05, 0.002):
        sizes = 40 + rate * times[:, None] + 0.1 * rng.standard_normal((times.size, 20))
        assert RunState.COMPLETE not in Watch().course(times, sizes)


def test_not_before_the_hold_time_was_observed() -> None:
    sizes = np.full((200, 5), 50.0)
    times = np.arange(200) * 10.0
    watch = Watch()
    states = watch.course(times, sizes)
    assert times[states.index(RunState.COMPLETE)] >= 600.0
    assert "no growth was seen" in watch.told[-1][1].explanation


def test_a_gap_in_the_hold_time_delays_completion() -> None:
    times = np.arange(0.0, 1500.0, 10.0)
    gap = (times > 300) & (times < 500)
    watch = Watch(CompletionSettings(blind_after_s=1e4))
    for t, hidden, tracker in zip(times, gap, tracked(times, np.full((times.size, 5), 50.0)), strict=True):
        watch.see(t, None if hidden else tracker)
    done = next(t for t, c in watch.told if c.state is RunState.COMPLETE)
    assert done >= 1000.0
    assert next(c for t, c in watch.told if t == 700.0).coverage == pytest.approx(0.69, abs=0.03)


def test_a_birth_within_tau_forbids_completion() -> None:
    times = np.arange(0.0, 2000.0, 10.0)
    sizes = np.full((times.size, 40), 50.0)
    sizes[times < 900, 39] = np.nan
    watch = Watch(CompletionSettings(no_birth_s=800.0))
    watch.course(times[times < 590], sizes[times < 590])
    assert watch.told[-1][1].state is not RunState.COMPLETE
    steps = tracked(times, sizes)
    for t, tracker in zip(times[times >= 590], steps[59:], strict=True):
        if t == 900.0:
            assert tracker.born
        watch.see(t, tracker)
    done = [t for t, c in watch.told if c.state is RunState.COMPLETE and t >= 900]
    assert done[0] >= 900.0 + 800.0


def test_moving_fronts_forbid_completion() -> None:
    times = np.arange(0.0, 1500.0, 10.0)
    fast = KineticsStep(median_front_speed_px_per_s=0.1, median_front_speed_high_px_per_s=0.12)
    slow = KineticsStep(median_front_speed_px_per_s=1e-5, median_front_speed_high_px_per_s=2e-5)
    ends = {}
    for name, kinetics in (("fast", fast), ("slow", slow)):
        state = initial_state()
        for t, tracker in zip(times, tracked(times, np.full((times.size, 5), 50.0)), strict=True):
            state, told = step(
                state, CompletionInput(float(t), tracker, kinetics, FIELD_PX), CompletionSettings()
            )
        ends[name] = told
    assert ends["slow"].state is RunState.COMPLETE
    assert ends["fast"].state is not RunState.COMPLETE
    assert "fronts may still move" in ends["fast"].explanation


def test_blind_without_good_frames_and_never_complete_then() -> None:
    watch = Watch()
    sizes = np.full((50, 5), 50.0)
    watch.course(np.arange(50) * 10.0, sizes)
    for t in np.arange(500.0, 2000.0, 10.0):
        told = watch.see(t, None)
        assert told.state is not RunState.COMPLETE
        assert told.state is (RunState.BLIND if t >= 490 + 120 else watch.state.seeing)
    assert "No good frame for" in told.explanation
    assert told.fraction is None
    back = watch.see(2000.0, tracked([0.0], sizes[:1])[0])
    assert back.state is watch.told[49][1].state
    assert back.changed


def test_sparse_frames_are_not_taken_for_blindness() -> None:
    watch = Watch()
    watch.course(np.arange(10) * 3600.0, np.full((10, 5), 50.0))
    assert watch.see(10 * 3600.0, None).state is not RunState.BLIND
    assert watch.see(13 * 3600.0, None).state is RunState.BLIND


def test_complete_reopens_on_new_growth_and_on_births() -> None:
    watch, _ = completed(TIMES)
    sizes = depleting(TIMES, 30, 400.0, 0.1, 0)[0][-1]
    area = watch.told[-1][1].fraction
    state = watch.state
    for i in range(60):
        tracker = TrackerStep(tuple(point(n + 1, 0.0, s * (1 + 0.005 * i)) for n, s in enumerate(sizes)))
        told = watch.see(6000.0 + 30.0 * i, tracker)
    assert told.fraction > area
    assert told.state in (RunState.GROWING, RunState.SLOWING)
    assert told.completed_elapsed_s is None
    again = Watch()
    again.state = state
    same = TrackerStep(tuple(point(n + 1, 0.0, s) for n, s in enumerate(sizes)))
    assert again.see(6000.0, same).state is RunState.COMPLETE
    with_birth = TrackerStep(
        (*same.updated, point(99, 0.0, 8.0)), tracked([0.0, 1.0], np.array([[np.nan], [8.0]]))[1].born
    )
    assert again.see(6030.0, with_birth).state is RunState.GROWING


def test_complete_is_not_left_for_noise() -> None:
    watch, _ = completed(TIMES)
    sizes = depleting(TIMES, 30, 400.0, 0.1, 0)[0][-1]
    rng = np.random.default_rng(8)
    for i in range(60):
        noisy = sizes * (1 + 0.002 * rng.standard_normal()) + 0.2 * rng.standard_normal(sizes.size)
        tracker = TrackerStep(tuple(point(n + 1, 0.0, s) for n, s in enumerate(noisy)))
        assert watch.see(6000.0 + 30.0 * i, tracker).state is RunState.COMPLETE


def coarsening(frames: int, crystals: int) -> np.ndarray:
    """Small crystals shrink and vanish, large ones grow; total area falls."""
    sizes = np.linspace(6.5, 40.0, crystals)
    rows = [sizes.copy()]
    for _ in range(frames - 1):
        critical = np.nanmean(sizes)
        sizes = sizes + 20.0 * (1 / critical - 1 / sizes) - 0.12
        sizes[sizes < 6.0] = np.nan
        rows.append(sizes.copy())
    return np.array(rows)


@pytest.mark.parametrize("interval_s", [1.0, 60.0, 3600.0])
def test_coarsening_is_ripening_soon_and_never_complete(interval_s: float) -> None:
    sizes = coarsening(30, 200)
    assert np.nansum(sizes[-1] ** 2) < 0.9 * np.nansum(sizes[0] ** 2)
    assert np.nanmean(sizes[-1]) > np.nanmean(sizes[0])
    states = Watch().course(np.arange(30) * interval_s, sizes)
    assert RunState.RIPENING in states[:9]
    assert RunState.COMPLETE not in states
    assert states[-1] is RunState.RIPENING


def test_merging_is_no_ripening() -> None:
    times = np.arange(40) * 30.0
    sizes = np.full((40, 60), 20.0)
    for i in range(40):
        # Pairs become one: the number falls, the mean grows, the area stays.
        sizes[i, 0 : 2 * (i // 2)] = np.nan
        sizes[i, 1 : 2 * (i // 2) : 2] = 20.0 * np.sqrt(2)
    assert np.nansum(sizes[-1] ** 2) == pytest.approx(np.nansum(sizes[0] ** 2))
    assert RunState.RIPENING in Watch().course(times, sizes, EndReason.DISSOLVED)
    assert RunState.RIPENING not in Watch().course(times, sizes, EndReason.MERGED)


def test_dissolution_is_told() -> None:
    times = np.arange(60) * 30.0
    sizes = np.full((60, 20), 60.0)
    sizes[20:] -= np.arange(40)[:, None]
    states = Watch().course(times, sizes)
    assert RunState.DISSOLVING not in states[:20]
    assert states[-1] is RunState.DISSOLVING


def test_a_change_of_objective_is_no_growth() -> None:
    settings, state = CompletionSettings(), initial_state()
    told = []
    for i in range(60):
        scale = 1.0 if i < 30 else 0.5
        tracker = TrackerStep(tuple(point(n, 0.0, 30.0 / scale) for n in range(1, 6)))
        frame = CompletionInput(i * 10.0, tracker, KineticsStep(), FIELD_PX, um_per_px=scale)
        state, completion = step(state, frame, settings)
        told.append(completion.state)
    assert set(told) == {RunState.NUCLEATED}


def test_carried_values_are_no_evidence() -> None:
    watch = Watch()
    watch.course(np.arange(5) * 10.0, np.full((5, 5), 50.0))
    carried = TrackerStep(tuple(point(n, 0.0, 50.0, carried=True, fit_for_growth=False) for n in range(1, 6)))
    for t in np.arange(50.0, 1500.0, 10.0):
        told = watch.see(t, carried)
    assert told.state is RunState.BLIND


def test_state_is_bounded_and_its_json_exact() -> None:
    watch = Watch()
    sizes = np.random.default_rng(0).uniform(49, 51, (450, 3))
    watch.course(np.arange(450) * 1.0, sizes)
    assert watch.state.series_SC.shape[0] <= 400
    text = watch.state.to_json()
    assert len(text) < 60_000
    assert CompletionMachineState.from_json(text).to_json() == text


@pytest.mark.parametrize(
    "junk", ["", "{}", "[]", "null", '{"version": 99}', '{"version": 1, "state": "odd"}']
)
def test_junk_is_no_state(junk: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        CompletionMachineState.from_json(junk)
