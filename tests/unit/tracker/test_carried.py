"""What lies on parts that were not inferred in a frame is carried: shown, but nothing is learnt of it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.measure import measure
from monitor.records import EventKind, TrackerStep
from monitor.settings.measuring import MeasuringSettings
from monitor.settings.tracking import TrackingSettings
from monitor.tracker import TrackerInput, TrackerState, step

SIDE = 120
EVERYTHING = ((0, 0, SIDE, SIDE),)
RIGHT_HALF = ((60, 0, 60, SIDE),)
SETTINGS = TrackingSettings(max_gap_s=15.0)

Square = tuple[int, int, int]


def picture(*squares: Square) -> NDArray[np.int32]:
    """Labels with squares (x, y, side)."""
    labels_HW = np.zeros((SIDE, SIDE), np.int32)
    for label, (x, y, side) in enumerate(squares, 1):
        labels_HW[y : y + side, x : x + side] = label
    return labels_HW


class Watch:
    """A field that is watched frame by frame, 10 s apart."""

    def __init__(self) -> None:
        self.state = TrackerState()
        self.now_s = 0.0
        self.looked_s = 0.0

    def see(self, *squares: Square, kept: tuple[tuple[int, int, int, int], ...] = ()) -> TrackerStep:
        labels_HW = picture(*squares)
        seen = measure(labels_HW, None, None, None, MeasuringSettings())
        if not kept:
            self.looked_s = self.now_s
        given = TrackerInput(
            0, self.now_s, labels_HW, seen, kept_xywh_px=kept, inferred_since_s=self.looked_s
        )
        self.state, told = step(self.state, given, SETTINGS)
        self.now_s += 10.0
        return told


@pytest.fixture
def watch() -> Watch:
    return Watch()


LEFT, RIGHT, NEW = (10, 10, 20), (80, 80, 20), (80, 20, 8)


def test_points_on_kept_parts_are_carried_and_fit_nothing(watch: Watch) -> None:
    watch.see(LEFT, RIGHT)
    told = watch.see(LEFT, RIGHT, kept=RIGHT_HALF)
    assert [(p.crystal_id, p.carried, p.fit_for_growth) for p in told.updated] == [
        (1, False, True),
        (2, True, False),
    ]


def test_a_crystal_that_touches_one_kept_part_is_carried(watch: Watch) -> None:
    across = (50, 40, 20)
    watch.see(across)
    assert watch.see(across, kept=RIGHT_HALF).updated[0].carried
    assert not watch.see(across).updated[0].carried


def test_carried_sightings_confirm_nothing(watch: Watch) -> None:
    watch.see(LEFT)
    watch.see(LEFT, NEW)
    for _ in range(6):
        told = watch.see(LEFT, NEW, kept=EVERYTHING)
        assert told.born == ()
        assert [(p.crystal_id, p.confirmed, p.carried) for p in told.updated][1] == (2, False, True)
    assert watch.see(LEFT, NEW).born == ()
    born = watch.see(LEFT, NEW).born
    assert [birth.crystal_id for birth in born] == [2], "confirmed by its third sighting"


def test_what_is_carried_begins_no_trail(watch: Watch) -> None:
    watch.see(LEFT)
    told = watch.see(LEFT, NEW, kept=EVERYTHING)
    assert [p.crystal_id for p in told.updated] == [1]
    assert [p.crystal_id for p in watch.see(LEFT, NEW).updated] == [1, 2]


def test_nothing_is_missed_where_nobody_looked(watch: Watch) -> None:
    watch.see(LEFT, RIGHT)
    for _ in range(8):
        assert watch.see(LEFT, kept=RIGHT_HALF).ended == ()
    for _ in range(3):
        told = watch.see(LEFT)
    assert [end.crystal_id for end in told.ended] == [2], "the control: three looks in vain end it"


def test_a_merge_is_not_believed_for_being_carried(watch: Watch) -> None:
    one, other, both = (20, 20, 20), (45, 20, 20), (20, 20, 45)
    watch.see(one, other)
    watch.see(one, other)
    watch.see(both)
    for _ in range(6):
        told = watch.see(both, kept=EVERYTHING)
        assert told.ended == ()
        assert [each.label for each in told.unresolved] == [1]
    events: list[EventKind] = []
    for _ in range(4):
        events += [event.kind for event in watch.see(both).events]
    assert EventKind.MERGE in events, "the control: looked at, they have merged"


def test_contact_with_a_carried_neighbour_counts_for_the_measured_one(watch: Watch) -> None:
    left, right = (30, 40, 20), (61, 40, 20)
    watch.see(left, right)
    touching = (41, 40, 20)
    told = watch.see(touching, right, kept=((62, 0, 58, SIDE),))
    fit = {p.crystal_id: (p.carried, p.fit_for_growth) for p in told.updated}
    assert fit == {1: (False, False), 2: (True, False)}
    again = watch.see(touching, right)
    assert [event.kind for event in [*told.events, *again.events]].count(EventKind.CONTACT) == 1


def test_the_last_clear_look_is_the_last_that_was_inferred(watch: Watch) -> None:
    watch.see(LEFT)
    watch.see(LEFT)
    for _ in range(3):
        watch.see(LEFT, kept=EVERYTHING)
    watch.see(LEFT, NEW)
    watch.see(LEFT, NEW)
    (birth,) = watch.see(LEFT, NEW).born
    assert (birth.last_clear_s, birth.first_seen_s) == (10.0, 50.0)


def test_carried_frames_change_nothing_that_a_restart_would_miss(watch: Watch) -> None:
    watch.see(LEFT, RIGHT)
    watch.see(LEFT, RIGHT, kept=RIGHT_HALF)
    text = watch.state.to_json()
    assert TrackerState.restore(text, watch.state.identities_HW).to_json() == text


def test_a_run_with_carried_frames_between_knows_the_same_crystals(watch: Watch) -> None:
    plain = Watch()
    course = [(LEFT, RIGHT), (LEFT, RIGHT, NEW), (LEFT, RIGHT, NEW), (LEFT, RIGHT, NEW), (LEFT, NEW)]
    for squares in course:
        plain.see(*squares)
        watch.see(*squares)
        watch.see(*squares, kept=EVERYTHING)
    assert [t.crystal_id for t in watch.state.trails] == [t.crystal_id for t in plain.state.trails]
    assert [(t.confirmed, t.missed, t.hits) for t in watch.state.trails] == [
        (t.confirmed, t.missed, t.hits) for t in plain.state.trails
    ]
