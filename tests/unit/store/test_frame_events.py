from __future__ import annotations

from monitor.records import BirthKind, EndReason, EventKind, RunState, TrailEnd, TrailEvent
from monitor.store.frame_events import events_of
from tests import trail_results as made


def kinds(*args: object, **kwargs: object) -> list[EventKind]:
    return [row.event.kind for row in events_of(*args, **kwargs)]  # type: ignore[arg-type]


def test_a_frame_in_which_nothing_happens_makes_no_event() -> None:
    assert kinds(made.growing(5, 3), RunState.GROWING, True) == []


def test_the_first_birth_is_the_nucleation_and_later_ones_are_not() -> None:
    frame = made.growing(2, 2)
    assert kinds(frame, None, False) == [EventKind.NUCLEATION, EventKind.BIRTH, EventKind.BIRTH]
    assert kinds(frame, None, True) == [EventKind.BIRTH, EventKind.BIRTH]


def test_crystals_that_were_there_or_came_in_are_not_born() -> None:
    born = [made.birth(1, 0.0, BirthKind.PRESENT_AT_START), made.birth(2, 0.0, BirthKind.ENTERED)]
    frame = made.result(0, [made.point(1, 0, 50.0), made.point(2, 0, 50.0)], born=born)
    assert kinds(frame, None, False) == [EventKind.ENTRY]


def test_what_is_born_beside_crystals_of_the_same_first_frame_is_no_first_nucleation() -> None:
    points = [made.point(1, 0, 50.0), made.point(2, 0, 50.0)]
    born = [made.birth(1, 0.0), made.birth(2, 0.0, BirthKind.PRESENT_AT_START)]
    assert kinds(made.result(0, points, born=born), None, False) == [EventKind.BIRTH]
    assert EventKind.NUCLEATION in kinds(made.result(0, points, born=born[:1]), None, False), "the control"


def test_ends_are_told_but_the_end_of_the_run_and_merges_are_not_told_twice() -> None:
    ended = [
        TrailEnd(1, EndReason.DISSOLVED, 4.0),
        TrailEnd(2, EndReason.LEFT, 4.0),
        TrailEnd(3, EndReason.LOST, 4.0),
        TrailEnd(4, EndReason.MERGED, 4.0, 5),
        TrailEnd(6, EndReason.RUN_END, 4.0),
    ]
    happened = [TrailEvent(EventKind.MERGE, 4, "crystal 4 merged into 5", 5.0)]
    assert kinds(made.result(5, ended=ended, happened=happened), None, True) == [
        EventKind.MERGE,
        EventKind.DISSOLUTION,
        EventKind.DEPARTURE,
        EventKind.LOSS,
    ]


def test_complete_reopened_and_blind() -> None:
    def change(state: RunState, before: RunState) -> list[EventKind]:
        return kinds(made.result(1, completion=made.completion(state, changed=True)), before, True)

    assert change(RunState.COMPLETE, RunState.SLOWING) == [EventKind.COMPLETE]
    assert change(RunState.GROWING, RunState.COMPLETE) == [EventKind.REOPENED]
    assert change(RunState.BLIND, RunState.COMPLETE) == [EventKind.STATE]
    assert change(RunState.GROWING, RunState.NUCLEATED) == [EventKind.STATE]
