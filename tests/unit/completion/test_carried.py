"""Completion under a change gate: most frames are carried over, and only what was inferred anew is evidence."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.completion import CompletionInput, CompletionMachineState, initial_state, step
from monitor.records import CompletionState, KineticsStep, RunState, TrackerStep
from monitor.settings.completion import CompletionSettings
from tests.crystal_courses import point

FIELD_PX = 1e6
SETTINGS = CompletionSettings()


class Gated:
    """A field with a frame every second; every `fresh_every`-th is inferred whole, the others are carried."""

    def __init__(self, fresh_every: int = 30) -> None:
        self.fresh_every = fresh_every
        self.state = initial_state()
        self.now_s = 0
        self.told: list[CompletionState] = []

    def see(self, sizes_px: list[float], *, births: int = 0, carried: bool | None = None) -> CompletionState:
        if carried is None:
            carried = self.now_s % self.fresh_every != 0
        points = tuple(
            point(number, float(self.now_s), size, carried=carried, fit_for_growth=not carried)
            for number, size in enumerate(sizes_px, 1)
        )
        if self.now_s % 7 == 0:
            self.state = CompletionMachineState.from_json(self.state.to_json())
        frame = CompletionInput(
            float(self.now_s), TrackerStep(points), KineticsStep(births=births), FIELD_PX, kept=carried
        )
        self.state, told = step(self.state, frame, SETTINGS)
        self.told.append(told)
        self.now_s += 1
        return told

    def still(self, seconds: int, sizes_px: list[float], **how: bool) -> list[RunState]:
        return [self.see(sizes_px, **how).state for _ in range(seconds)]


def test_a_still_field_becomes_complete_after_the_hold_time_as_without_a_gate() -> None:
    always, gated = Gated(1), Gated(30)
    sizes = [50.0] * 5
    states = always.still(900, sizes), gated.still(900, sizes)
    assert RunState.COMPLETE in states[0], "the control"
    assert RunState.COMPLETE in states[1]
    assert 600 <= states[1].index(RunState.COMPLETE) <= 720
    assert RunState.BLIND not in states[1]
    assert gated.told[-1].coverage == pytest.approx(1.0, abs=0.06)


def test_completion_is_told_by_a_frame_that_was_inferred() -> None:
    gated = Gated(30)
    states = gated.still(900, [50.0] * 5)
    assert states.index(RunState.COMPLETE) % 30 == 0


def test_carried_frames_alone_are_never_complete_but_blind() -> None:
    gated = Gated()
    gated.still(60, [50.0] * 5, carried=False)
    states = gated.still(2000, [50.0] * 5, carried=True)
    assert RunState.COMPLETE not in states
    assert states[-1] is RunState.BLIND


def test_what_was_carried_while_blind_is_no_coverage() -> None:
    gated = Gated()
    gated.still(300, [50.0] * 5, carried=False)
    gated.still(900, [50.0] * 5, carried=True)
    told = gated.see([50.0] * 5, carried=False)
    assert told.state is not RunState.COMPLETE
    assert told.coverage < 0.1


def test_growth_that_hides_between_two_looks_is_never_complete() -> None:
    gated = Gated(30)
    rng = np.random.default_rng(0)
    seen = [40.0] * 20
    for second in range(3000):
        if second % 30 == 0:
            seen = list(40 + 0.004 * second + 0.1 * rng.standard_normal(20))
        gated.see(seen)
    assert RunState.COMPLETE not in {told.state for told in gated.told}
    assert gated.told[-1].state is RunState.GROWING


def test_a_birth_told_by_a_carried_frame_reopens_a_complete_field() -> None:
    gated = Gated(30)
    assert gated.still(900, [50.0] * 5)[-1] is RunState.COMPLETE
    assert gated.now_s % 30 != 1
    gated.see([50.0] * 5, births=1, carried=True)
    states = gated.still(60, [50.0] * 5)
    assert RunState.GROWING in states


def test_an_empty_field_that_is_carried_is_blind_in_the_end_and_one_that_is_inferred_waits() -> None:
    looked_at, carried = Gated(30), Gated()
    assert set(looked_at.still(600, [])) == {RunState.WAITING}
    carried.still(10, [], carried=False)
    assert carried.still(600, [], carried=True)[-1] is RunState.BLIND


def test_a_carried_frame_shows_the_fraction_and_says_why_it_decides_nothing() -> None:
    gated = Gated(30)
    gated.see([50.0] * 5, carried=False)
    told = gated.see([50.0] * 5, carried=True)
    assert told.fraction == pytest.approx(5 * np.pi / 4 * 50**2 / FIELD_PX)
    assert "nothing was inferred anew" in told.explanation
