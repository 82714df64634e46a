"""Losses that wait for their frame: kept by session, and blamed on the storage while it was out."""

from __future__ import annotations

from monitor.analysis.losses import WaitingLosses
from monitor.clock import Instant
from monitor.frame import FailedFrame, FrameLoss


def loss(session: str, first: int, last: int, reason: str) -> FrameLoss:
    return FrameLoss(session, first, last, reason, "main")


def test_they_are_kept_by_session() -> None:
    waiting = WaitingLosses()
    assert waiting.add([loss("a", 1, 2, "superseded"), loss("b", 5, 5, "lost")]) == {}
    assert waiting.other_sessions("a") == ["b"]
    assert [one.reason for one in waiting.of("a")] == ["superseded"]
    assert len(waiting.take("a")) == 1
    assert waiting.take("a") == ()
    assert len(waiting.of("b")) == 1


def test_only_what_was_passed_over_is_blamed_on_the_storage() -> None:
    waiting = WaitingLosses()
    waiting.blame_storage(True)
    moved = waiting.add([loss("a", 1, 3, "superseded"), loss("a", 4, 4, "lost")])
    assert moved == {"superseded": 3}
    assert [(one.reason, one.count) for one in waiting.of("a")] == [("storage", 3), ("lost", 1)]
    waiting.blame_storage(False)
    assert waiting.add([loss("a", 6, 6, "superseded")]) == {}


def test_a_folder_that_came_again_is_one_range() -> None:
    waiting = WaitingLosses()
    assert waiting.repeating_session() is None
    waiting.add([loss("a", 0, 0, "lost")])
    for index in (1, 2, 3, 5, 6):
        waiting.add_repeated(FailedFrame("a", index, Instant(0), "cut short"))
    waiting.add_repeated(FailedFrame("b", 7, Instant(0), "cut short"))
    assert waiting.repeating_session() == "a"
    told = [(one.first_index, one.last_index, one.reason) for one in waiting.take("a")]
    assert told == [(0, 0, "lost"), (1, 3, "repeated"), (5, 6, "repeated")]
    assert waiting.take("b") == (loss("b", 7, 7, "repeated"),)
