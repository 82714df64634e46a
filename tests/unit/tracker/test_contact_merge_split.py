"""Bodies that touch, fuse and fall apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitor.records import EndReason, EventKind
from monitor.tracker import identities

Draw = Callable[[str], NDArray[np.int32]]

APART = """
..............
..AAA...BBB...
..AAA...BBB...
..AAA...BBB...
..............
"""
TOUCHING = """
..............
..AAAA.BBBB...
..AAAAABBBB...
..AAAA.BBBB...
..............
"""
FUSED = """
..............
..AAAAAAAAA...
..AAAAAAAAA...
..AAAAAAAAA...
..............
"""
SWALLOWING = """
..............
..AAAAAB......
..AAAAAB......
..AAAAA.......
..AAAAA.......
"""
SWALLOWED = """
..............
..AAAAAA......
..AAAAAA......
..AAAAA.......
..AAAAA.......
"""
ONE = """
..............
..AAAAAAAAA...
..AAAAAAAAA...
..AAAAAAAAA...
..............
"""
PIECES = """
..............
..AAAA.BBBB...
..AAAA.BBBB...
..AAAA.BBBB...
..............
"""
CHIP = """
..............
..AAAAAAA.B...
..AAAAAAA.....
..AAAAAAAAA...
..............
"""


def flags(film, at: int = -1) -> list[bool]:
    return [point.fit_for_growth for point in film.steps[at].updated]


def test_contact_is_told_once_and_growth_is_not_fitted_from_then_on(film, draw: Draw) -> None:
    film.show(draw(APART), times=3)
    assert flags(film) == [True, True]
    film.show(draw(TOUCHING), times=4)
    assert film.numbers() == [1, 2]
    assert film.events(EventKind.CONTACT) == [(1, 2.0)]
    assert flags(film) == [False, False]
    film.show(draw(APART), times=2)
    assert flags(film) == [False, False], "a moment apart is not enough"
    film.show(draw(APART), times=3)
    assert flags(film) == [True, True]
    film.show(draw(TOUCHING), times=1)
    assert film.events(EventKind.CONTACT) == [(1, 2.0)]


def test_contact_from_the_start_is_flagged_but_no_event(film, draw: Draw) -> None:
    film.show(draw(TOUCHING), times=3)
    assert flags(film) == [False, False]
    assert film.events(EventKind.CONTACT) == []


def test_a_merge_that_lasts_ends_the_parents_and_is_no_birth(film, draw: Draw) -> None:
    film.show(draw(APART), times=3)
    film.show(draw(TOUCHING), times=2)
    film.show(draw(FUSED), times=3)
    assert film.ends() == {}
    assert film.numbers() == [], "neither parent has the fused body as a point"
    (body,) = film.steps[-1].unresolved
    assert body.area_px > 0
    film.show(draw(FUSED), times=3)
    assert film.ends() == {1: EndReason.MERGED, 2: EndReason.MERGED}
    merged = [end for result in film.steps for end in result.ended]
    assert {end.merged_into for end in merged} == {3}
    assert {end.ended_s for end in merged} == {40.0}
    assert film.kinds() == ["merged"]
    assert film.numbers() == [3]
    assert flags(film) == [False]
    assert film.events(EventKind.MERGE) == [(1, 3.0), (2, 3.0)]


def test_a_fusion_that_flickers_costs_points_but_no_number(film, draw: Draw) -> None:
    film.show(draw(APART), times=3)
    for _ in range(6):
        film.show(draw(FUSED), times=2)
        assert film.numbers() == []
        film.show(draw(TOUCHING))
        assert film.numbers() == [1, 2]
    assert film.state.next_id == 3
    assert film.events(EventKind.MERGE) == []
    assert film.events(EventKind.RETURN) == []


def test_a_fusion_across_a_blackout_is_not_growth(film, draw: Draw) -> None:
    film.show(draw(TOUCHING), times=3)
    film.show(np.zeros_like(draw(TOUCHING)), times=3)
    film.show(draw(FUSED), times=2)
    assert film.numbers() == []
    film.show(draw(TOUCHING))
    assert film.numbers() == [1, 2]


def test_a_large_crystal_that_swallows_a_small_one_goes_on(film, draw: Draw) -> None:
    film.show(draw(SWALLOWING), times=3)
    assert film.numbers() == [1, 2]
    film.show(draw(SWALLOWED), times=2)
    assert film.numbers() == [2]
    assert film.ends() == {}
    assert flags(film) == [False]
    film.show(draw(SWALLOWED), times=3)
    assert film.ends() == {1: EndReason.MERGED}
    assert film.events(EventKind.MERGE) == [(1, 2.0)]
    film.show(draw(SWALLOWED), times=10)
    assert film.numbers() == [2]
    assert flags(film) == [False], "for good"


def test_a_neighbour_that_closes_over_the_place_without_the_area_has_not_merged(film, discs) -> None:
    film.show(discs([(80, 78, 20), (114, 80, 12)]), times=3)
    assert film.numbers() == [1, 2]
    film.show(discs([(97, 78, 20)]), times=8)
    assert film.numbers() == [1]
    assert film.ends() == {2: EndReason.DISSOLVED}
    assert film.events(EventKind.MERGE) == []


def test_a_swallowed_crystal_that_reappears_keeps_its_number(film, draw: Draw) -> None:
    film.show(draw(SWALLOWING), times=3)
    film.show(draw(SWALLOWED), times=2)
    film.show(draw(SWALLOWING))
    assert film.numbers() == [1, 2]


def test_a_split_that_lasts_gives_the_smaller_piece_a_number(film, draw: Draw) -> None:
    film.show(draw(ONE), times=3)
    film.show(draw(PIECES), times=2)
    assert film.numbers() == []
    assert len(film.steps[-1].unresolved) == 2
    film.show(draw(PIECES), times=3)
    assert film.numbers() == [1, 2]
    assert film.kinds() == ["split"]
    assert [birth.split_from for birth in film.steps[-2].born] == [1]
    assert film.events(EventKind.SPLIT) == [(1, 2.0)]
    assert flags(film) == [False, False]


def test_a_split_that_flickers_changes_nothing(film, draw: Draw) -> None:
    film.show(draw(ONE), times=3)
    for _ in range(5):
        film.show(draw(PIECES), times=2)
        film.show(draw(ONE))
        assert film.numbers() == [1]
    assert film.state.next_id == 2
    assert film.events(EventKind.SPLIT) == []


def test_a_chip_leaves_the_large_piece_its_points(film, draw: Draw) -> None:
    film.show(draw(ONE), times=3)
    film.show(draw(CHIP), times=4)
    assert film.numbers() == [1, 2]
    assert film.kinds() == ["split"]


def test_identities_carry_crystal_numbers(film, draw: Draw) -> None:
    film.show(draw(APART), times=2)
    labels_HW = draw(APART.replace("A", "C"))
    film.show(labels_HW)
    numbers_HW = identities(labels_HW, film.steps[-1])
    assert numbers_HW.dtype == np.int32
    np.testing.assert_array_equal(numbers_HW == 1, labels_HW == 3)
    np.testing.assert_array_equal(numbers_HW == 2, labels_HW == 2)
