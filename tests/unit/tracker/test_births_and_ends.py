"""Trails begin and end for a reason."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.records import EndReason, EventKind

Labels = NDArray[np.int32]
Discs = Callable[..., Labels]


def test_the_first_frame_is_present_at_start_and_confirmed_at_once(film, discs: Discs) -> None:
    film.show(discs([(50, 50, 12), (120, 80, 10), (0, 100, 9)]))
    assert film.kinds(start=0) == ["present_at_start"] * 3
    assert film.numbers() == [1, 2, 3]
    assert all(birth.last_clear_s is None for birth in film.steps[0].born)


def test_a_crystal_is_born_after_three_sightings_with_the_last_clear_time(film, discs: Discs) -> None:
    film.show(discs([]), times=2)
    one = discs([(50, 50, 6)])
    film.show(one, times=2)
    assert film.numbers() == []
    assert [point.crystal_id for point in film.steps[-1].updated] == [1]
    film.show(one)
    (birth,) = film.steps[-1].born
    assert (birth.kind.value, birth.first_seen_s, birth.last_clear_s) == ("born", 20.0, 10.0)
    assert film.numbers() == [1]


def test_overlooked_in_the_first_frame_is_present_at_start_not_born(film, discs: Discs) -> None:
    film.show(discs([(50, 50, 12)]))
    film.show(discs([(50, 50, 12), (120, 80, 10)]), times=3)
    film.show(discs([(50, 50, 12), (120, 80, 10), (150, 40, 10)]), times=3)
    assert film.kinds() == ["present_at_start", "born"]


def test_a_speck_of_one_frame_is_dropped_and_its_number_not_given_again(film, discs: Discs) -> None:
    film.show(discs([(50, 50, 12)]))
    film.show(discs([(50, 50, 12), (120, 80, 4)]))
    film.show(discs([(50, 50, 12)]), times=4)
    assert [number for result in film.steps for number in result.dropped] == [2]
    film.show(discs([(50, 50, 12), (120, 80, 4)]), times=3)
    assert film.numbers() == [1, 3]


def test_over_the_border_is_entered_not_born(film, discs: Discs) -> None:
    film.show(discs([(100, 80, 12)]))
    for x in range(-4, 40, 4):
        film.show(discs([(100, 80, 12), (x, 60, 10)]))
    assert film.kinds() == ["entered"]


def test_what_stands_in_the_strip_that_drift_uncovered_is_entered(film, discs: Discs) -> None:
    fixed = [(40, 40, 12), (90, 120, 10), (130, 50, 14), (120, 100, 9)]
    film.show(discs(fixed), times=2)
    pushed = [(x + 30, y, r) for x, y, r in fixed]
    film.show(discs([*pushed, (14, 80, 10)]), times=3)
    assert film.kinds() == ["entered"]
    assert set(film.numbers()) == {1, 2, 3, 4, 5}


def test_shrinking_away_is_dissolved(film, discs: Discs) -> None:
    other = (140, 110, 15)
    for radius in (12, 11, 10, 8, 6, 4):
        film.show(discs([(50, 50, radius), other]))
    film.show(discs([other]), times=12)
    assert film.ends() == {1: EndReason.DISSOLVED}
    (end,) = [end for result in film.steps for end in result.ended]
    assert end.ended_s == 50.0


def test_vanishing_at_full_size_is_lost(film, discs: Discs) -> None:
    other = (140, 110, 15)
    film.show(discs([(50, 50, 12), other]), times=5)
    film.show(discs([other]), times=12)
    assert film.ends() == {1: EndReason.LOST}


def test_drifting_out_is_left(film, discs: Discs) -> None:
    bodies = [(185, 30, 12), (100, 40, 13), (50, 100, 10), (90, 110, 15)]
    for frame in range(14):
        film.show(discs([(x + 4 * frame, y, radius) for x, y, radius in bodies]))
    film.show(discs([(x + 56, y, radius) for x, y, radius in bodies]), times=8)
    assert film.ends() == {1: EndReason.LEFT}
    assert film.kinds() == []


def test_a_return_within_the_gap_keeps_the_number_and_is_an_event(film, discs: Discs) -> None:
    both, one = discs([(50, 50, 12), (140, 110, 15)]), discs([(140, 110, 15)])
    film.show(both, times=3)
    film.show(one, times=4)
    assert film.numbers() == [2]
    film.show(both)
    assert film.numbers() == [1, 2]
    assert film.events(EventKind.RETURN) == [(1, 50.0)]
    assert film.ends() == {}


@pytest.mark.parametrize("interval_s", [1.0, 600.0])
def test_a_gap_ends_only_by_both_time_and_frames(film, discs: Discs, interval_s: float) -> None:
    both, one = discs([(50, 50, 12), (140, 110, 15)]), discs([(140, 110, 15)])
    film.show(both, times=3, interval_s=interval_s)
    film.show(one, times=2, interval_s=interval_s)
    assert film.ends() == {}
    film.show(both, interval_s=interval_s)
    assert film.numbers() == [1, 2]


def test_a_blackout_of_several_frames_switches_no_identity(film, discs: Discs) -> None:
    bodies = [(50, 50, 12), (140, 110, 15), (90, 40, 8), (60, 120, 10)]
    film.show(discs(bodies), times=3)
    film.show(discs([]), times=5)
    film.show(discs([(x + 2, y - 1, radius + 0.5) for x, y, radius in bodies]), times=3)
    by_label = {point.observation.label: point.crystal_id for point in film.steps[-1].updated}
    assert by_label == {point.observation.label: point.crystal_id for point in film.steps[0].updated}
    assert film.kinds() == []
    assert film.ends() == {}
