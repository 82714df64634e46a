"""What every `TrailStore` promises, asked of SQLite and of PostgreSQL.

The loss ledger: sent = considered + lost + superseded, exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from monitor.frame import FailedFrame, FailureCause, Frame, FrameLoss, TimeSource
from monitor.records import FrameQuality, FrameStatus, RejectReason
from monitor.records.run import (
    FramesPassedOver,
    SessionEnded,
    SessionEndKind,
)
from monitor.store import SqlTrailStore, TrailReader
from tests import trail_results as made
from tests.contract.stored_rows import only, rows


def ledger(reader: TrailReader) -> dict[str, Any]:
    row = only(rows(reader, "session_log"))
    assert row["sent"] == row["considered"] + row["lost"] + row["superseded"]
    return row


def test_the_ledger_is_exact(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    session = made.SESSION
    store.append(run, made.result(0))
    losses = (FrameLoss(session, 1, 7, "superseded"), FrameLoss(session, 8, 8, "lost"))
    store.append(run, made.result(9, losses=losses))
    assert (ledger(reader)["sent"], ledger(reader)["lost"], ledger(reader)["superseded"]) == (10, 1, 7)
    # Killed, and started again: the source only knows what it saw itself, and counts from the session's
    # start.
    store.append(run, made.result(14, losses=(FrameLoss(session, 0, 12, "lost"),)))
    now = ledger(reader)
    assert (now["sent"], now["considered"], now["lost"], now["superseded"]) == (15, 3, 5, 7)
    goodbye = SessionEnded(made.at(20), session, SessionEndKind.GOODBYE, last_index=19)
    store.record(run, goodbye)
    store.record(run, goodbye)
    now = ledger(reader)
    assert (now["sent"], now["lost"], now["ended"]) == (20, 10, "goodbye")
    assert only(rows(reader, "run_summary"))["frames_lost"] == 10


def test_a_gap_that_nobody_reported_is_unknown(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.result(3))
    store.append(run, made.result(7))
    assert (ledger(reader)["sent"], ledger(reader)["lost"]) == (8, 6)
    store.record(run, SessionEnded(made.at(9), made.SESSION, SessionEndKind.UNKNOWN, tail_at_most=40))
    assert (ledger(reader)["ended"], ledger(reader)["tail_at_most"], ledger(reader)["sent"]) == (
        "unknown",
        40,
        8,
    )


def test_what_a_session_end_showed_to_be_lost_keeps_its_reason(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.result(0))
    losses = (FrameLoss(made.SESSION, 1, 5, "superseded"), FrameLoss(made.SESSION, 6, 6, "lost"))
    store.record(run, SessionEnded(made.at(9), made.SESSION, SessionEndKind.GOODBYE, 8, losses=losses))
    now = ledger(reader)
    assert (now["sent"], now["superseded"], now["lost"]) == (9, 5, 3)


def test_a_frame_that_was_given_up_and_comes_after_all_is_no_loss(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.result(0))
    store.append(run, made.result(5))
    assert ledger(reader)["lost"] == 4
    assert store.append(run, made.result(3))
    now = ledger(reader)
    assert (now["sent"], now["considered"], now["lost"]) == (6, 3, 3)


def test_a_new_run_in_the_same_session_counts_from_where_the_last_left_it(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    first = store.start_run(made.run_start("first"))
    store.append(first, made.result(4))
    second = store.start_run(made.run_start("second"))
    store.append(second, made.result(7))
    row = only(rows(reader, "session_log", run_id=second.run_id))
    assert (row["first_index"], row["sent"], row["considered"], row["lost"]) == (5, 3, 1, 2)


def test_frames_that_came_again_are_accounted_for_and_no_loss(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    run = store.start_run(made.run_start())
    again = (FrameLoss(made.SESSION, 0, 5, "repeated"),)
    for _ in range(2):  # told twice, counted once
        store.record(run, FramesPassedOver(made.at(9), made.SESSION, again))
    now = ledger(reader)
    assert (now["sent"], now["lost"], now["superseded"], now["repeated"]) == (6, 0, 6, 6)
    store.append(run, made.result(7, losses=(FrameLoss(made.SESSION, 6, 6, "lost"),)))
    now = ledger(reader)
    assert (now["sent"], now["considered"], now["lost"], now["repeated"]) == (8, 1, 1, 6)
    summary = only(rows(reader, "run_summary"))
    assert (summary["frames_lost"], summary["frames_superseded"], summary["frames_repeated"]) == (1, 6, 6)


def test_a_file_is_known_again_in_another_session(store: SqlTrailStore) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.result(3, source_name="a.png"))
    cut = FrameQuality(FrameStatus.FAILED, RejectReason.UNREADABLE, "cut short")
    store.append(run, made.result(4, source_name="cut.png", quality=cut))
    tried = FrameQuality(FrameStatus.FAILED, RejectReason.ENGINE, "the engine is down")
    store.append(run, made.result(5, source_name="tried.png", quality=tried))

    def image(at_s: float, name: str, session: str = "cd" * 16) -> Frame:
        picture = np.zeros((2, 2), np.uint8)
        return Frame(picture, session, 0, made.at(at_s), TimeSource.FILE_NAME, source_name=name)

    def unread(name: str, cause: FailureCause) -> FailedFrame:
        return FailedFrame("cd" * 16, 0, made.at(99), "cut short", source_name=name, cause=cause)

    assert store.was_considered(run, image(made.result(3).elapsed_s, "a.png"))
    assert not store.was_considered(run, image(made.result(3).elapsed_s, "a.png", made.SESSION)), "not again"
    assert not store.was_considered(run, image(made.result(3).elapsed_s + 1, "a.png")), "another of that name"
    assert not store.was_considered(run, image(made.result(3).elapsed_s, "b.png"))
    assert not store.was_considered(run, image(made.result(3).elapsed_s, "")), "a camera's frame"
    assert store.was_considered(run, unread("cut.png", FailureCause.UNREADABLE))
    assert not store.was_considered(run, unread("cut.png", FailureCause.NO_TIME))
    assert not store.was_considered(run, image(made.result(4).elapsed_s, "cut.png")), "it can be read by now"
    assert not store.was_considered(run, image(made.result(5).elapsed_s, "tried.png")), (
        "nothing was seen of it"
    )
    other = store.start_run(made.run_start("other"))
    assert not store.was_considered(other, image(made.result(3).elapsed_s, "a.png")), "of another run"
