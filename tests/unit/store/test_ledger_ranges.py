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


@given(next_index=st.integers(0, 20), step=st.integers(0, 20), ranges=RANGES)
def test_every_number_is_accounted_for_exactly_once(
    next_index: int, step: int, ranges: list[tuple[int, int]]
) -> None:
    frame_index = next_index + step
    reported = losses(*[(first, first + length) for first, length in ranges])
    found = uncounted(next_index, frame_index, reported, "main", SESSION)
    numbers = [number for loss in found for number in range(loss.first_index, loss.last_index + 1)]
    assert len(numbers) == len(set(numbers))
    assert frame_index not in numbers
    assert min(numbers, default=next_index) >= next_index
    assert set(range(next_index, frame_index)) <= set(numbers)
    told = {number for first, length in ranges for number in range(first, first + length + 1)}
    assert {number for number in numbers if number > frame_index} <= told
