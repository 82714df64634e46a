"""A field is silent when it is overdue, not when the station looks at another one."""

from __future__ import annotations

import pytest

from monitor.analysis.visits import Visits
from monitor.clock import Instant

WELLS = ("A1", "A2", "A3")


def at(seconds: float) -> Instant:
    return Instant(round(seconds * 1e9))


def rounds(number: int, every_s: float = 600.0, frames: int = 1) -> tuple[Visits, float]:
    """A station that goes round the wells; and when it was last at A3."""
    visits, last_s = Visits(), 0.0
    for turn in range(number):
        for place, well in enumerate(WELLS):
            for frame in range(frames):
                last_s = turn * every_s + place * 60.0 + frame
                visits.see(well, at(last_s))
    return visits, last_s


def test_one_field_is_silent_since_its_last_frame() -> None:
    visits = Visits()
    assert visits.silent_s("main", at(5)) == 0
    visits.see("main", at(10))
    visits.see("main", at(11))
    assert visits.silent_s("main", at(15)) == 4


def test_in_the_first_round_only_a_silence_of_all_counts() -> None:
    visits = Visits()
    for place in range(40):
        visits.see(f"well {place}", at(30.0 * place))
    assert visits.silent_s("well 0", at(1180)) == 10
    assert visits.silent_s("well 0", at(3000)) == 1830, "the stream stopped: nobody is seen any more"


@pytest.mark.parametrize("frames", [1, 5])
def test_a_well_that_is_not_due_is_not_silent(frames: int) -> None:
    visits, last_s = rounds(3, frames=frames)
    assert visits.silent_s("A1", at(last_s + 1)) == 1
    assert visits.silent_s("A1", at(1200 + 599)) < 599


def test_a_well_that_is_left_out_is_silent_while_others_are_seen() -> None:
    visits, _ = rounds(3)
    for turn in (3, 4):
        for place, well in enumerate(WELLS[1:], 1):
            visits.see(well, at(turn * 600 + place * 60))
    now_s = 4 * 600 + 130
    assert visits.silent_s("A1", at(now_s)) == now_s - 1200
    assert visits.silent_s("A2", at(now_s)) == 10


def test_a_well_that_was_never_come_back_to_is_judged_by_the_others() -> None:
    visits = Visits()
    for well in WELLS:
        visits.see(well, at(0))
    for turn in (1, 2):
        for well in WELLS[1:]:
            visits.see(well, at(600.0 * turn))
    assert visits.silent_s("A1", at(1201)) == 1201
    soon = Visits()
    for well in WELLS:
        soon.see(well, at(0))
    for well in WELLS[1:]:
        soon.see(well, at(600))
    assert soon.silent_s("A1", at(601)) == 1


def test_after_a_restart_a_field_that_never_comes_is_missed() -> None:
    visits = Visits()
    visits.expect("gone", at(0), 20.0)
    for second in range(0, 600, 10):
        visits.see("a", at(second))
        visits.see("b", at(second + 5))
    assert visits.silent_s("gone", at(600)) == 600
    assert visits.silent_s("a", at(600)) <= 10
