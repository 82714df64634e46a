from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.frame import FrameLoss
from monitor.store.ledger import uncounted

SESSION = "s"

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), max_size=5)


def losses(*ranges: tuple[int, int]) -> list[FrameLoss]:
    return [FrameLoss(SESSION, first, last, "lost") for first, last in ranges]


def spans(found: list[FrameLoss]) -> list[tuple[int, int, str]]:
    return [(loss.first_index, loss.last_index, loss.reason) for loss in found]


def test_nothing_is_lost_where_frames_follow_one_another() -> None:
    assert uncounted(5, 5, [], "main", SESSION) == []


def test_a_reported_loss_is_taken_as_it_is() -> None:
    assert spans(uncounted(1, 5, losses((1, 4)), "main", SESSION)) == [(1, 4, "lost")]


def test_what_was_accounted_for_before_is_clipped() -> None:
    assert spans(uncounted(3, 6, losses((0, 5)), "main", SESSION)) == [(3, 5, "lost")]


def test_what_nobody_reported_is_unknown() -> None:
    assert spans(uncounted(0, 9, losses((3, 4)), "main", SESSION)) == [
        (0, 2, "unknown"),
        (3, 4, "lost"),
        (5, 8, "unknown"),
    ]


def test_a_loss_beyond_the_frame_leaves_no_hole() -> None:
    assert spans(uncounted(5, 7, losses((6, 6), (10, 12)), "main", SESSION)) == [
        (5, 5, "unknown"),
        (6, 6, "lost"),
        (8, 9, "unknown"),
        (10, 12, "lost"),
    ]


@given(next_index=st.integers(0, 20), frame_index=st.integers(0, 40), ranges=RANGES)
def test_every_number_is_accounted_for_exactly_once(
    next_index: int, frame_index: int, ranges: list[tuple[int, int]]
) -> None:
    reported = losses(*[(first, first + length) for first, length in ranges])
    found = uncounted(next_index, frame_index, reported, "main", SESSION)
    numbers = [number for loss in found for number in range(loss.first_index, loss.last_index + 1)]
    reach = max([frame_index, *[first + length for first, length in ranges]])
    assert sorted(numbers) == [number for number in range(next_index, reach + 1) if number != frame_index]
    told = {number for first, length in ranges for number in range(first, first + length + 1)}
    by_reason = {
        number: loss.reason for loss in found for number in range(loss.first_index, loss.last_index + 1)
    }
    assert by_reason == {number: "lost" if number in told else "unknown" for number in numbers}
