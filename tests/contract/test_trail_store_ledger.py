"""What every `TrailStore` promises, asked of SQLite and of PostgreSQL.

The loss ledger: sent = considered + lost + superseded, exactly.
"""

from __future__ import annotations

from typing import Any

from monitor.frame import FrameLoss
from monitor.records.run import (
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
