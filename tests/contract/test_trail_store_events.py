"""What every `TrailStore` promises, asked of SQLite and of PostgreSQL.

Events: births, states, alerts, notes, silence.
"""

from __future__ import annotations

import dataclasses

import pytest

from monitor.errors import StoreError
from monitor.records import (
    Alert,
    AlertKind,
    Event,
    EventKind,
    RunState,
    TrailEvent,
)
from monitor.records.run import (
    EventAcknowledged,
    RunEvent,
    SilenceObserved,
)
from monitor.store import SqlTrailStore, TrailReader
from tests import trail_results as made
from tests.contract.stored_rows import only, rows


def test_changes_of_state_alerts_and_births_are_events(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.growing(1, 1))
    alert = Alert("fast", AlertKind.GROWTH_RATE, True, "rate 2 µm/s is above 1 µm/s", 2.0, 1.0, 1)
    nucleated = made.completion(RunState.NUCLEATED, changed=True, decided_by={"crystals": 1.0})
    store.append(run, dataclasses.replace(made.growing(2, 1), completion=nucleated, alerts=(alert,)))
    complete = made.completion(RunState.COMPLETE, changed=True, completed_elapsed_s=2.5)
    store.append(run, made.result(3, [made.point(1, 3, 131.0)], completion=complete))
    assert only(rows(reader, "run_summary"))["completed_at"] == "2026-09-21T14:13:22.623456Z"
    reopened = made.completion(RunState.GROWING, changed=True)
    note = Event(EventKind.NOTE, "seeded again")
    store.append(run, made.result(4, [made.point(1, 4, 150.0)], completion=reopened, events=(note,)))
    kinds = [row["kind"] for row in rows(reader, "event_log")]
    assert kinds == [
        "run_started",
        "nucleation",
        "birth",
        "state",
        "alert_raised",
        "complete",
        "note",
        "reopened",
    ]
    state = only(rows(reader, "event_log", kind="state"))
    assert (state["field"], state["details"], state["elapsed_s"]) == ("main", '{"crystals": 1.0}', 2.0)
    raised = only(rows(reader, "event_log", kind="alert_raised"))
    assert (raised["rule"], raised["value"], raised["limit_value"], raised["crystal_id"]) == (
        "fast",
        2.0,
        1.0,
        1,
    )
    summary = only(rows(reader, "run_summary"))
    assert (summary["state"], summary["completed_at"], summary["completed_elapsed_s"]) == (
        "growing",
        None,
        None,
    )


def test_an_event_that_the_tracker_told_is_not_told_twice(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    told = TrailEvent(EventKind.BIRTH, 1, "told by the tracker")
    store.append(run, made.result(0, [made.point(1, 0, 90.0)], born=[made.birth(1, 0.0)], happened=[told]))
    assert only(rows(reader, "event_log", kind="birth"))["message"] == "told by the tracker"


def test_silence_is_written_without_a_frame(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.growing(0, 0))
    blind = made.completion(RunState.BLIND, changed=True)
    alert = Alert("blind", AlertKind.BLIND, True, "no good frame for 30 s", 30.0, 20.0)
    store.record(run, SilenceObserved(made.at(30), "main", blind, (alert,), made.field_state("blind")))
    assert only(rows(reader, "run_summary"))["state"] == "blind"
    assert [row["kind"] for row in rows(reader, "event_log", elapsed_s=30)] == ["state", "alert_raised"]
    assert store.load_field(run, "main").state == made.field_state("blind")
    assert len(rows(reader, "frame_log")) == 1


def test_notes_and_acknowledgements(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    note = RunEvent(made.at(2), Event(EventKind.NOTE, "stirrer on"), details={"rpm": 200.0})
    store.record(run, note)
    row = only(rows(reader, "event_log", kind="note"))
    assert (row["field"], row["at"], row["details"]) == (
        None,
        "2026-09-21T14:13:22.123456Z",
        '{"rpm": 200.0}',
    )
    for kind in ("alert_raised", "alert_cleared", "alert_undelivered"):
        store.record(run, RunEvent(made.at(2), Event(EventKind(kind), "too hot")))
        event_id = only(rows(reader, "event_log", kind=kind))["event_id"]
        store.record(run, EventAcknowledged(made.at(3), event_id))
        store.record(run, EventAcknowledged(made.at(9), event_id))
        assert only(rows(reader, "event_log", kind=kind))["acknowledged_at"] == "2026-09-21T14:13:23.123456Z"
    with pytest.raises(StoreError, match=rf"event {row['event_id']} is no alert \(note\)"):
        store.record(run, EventAcknowledged(made.at(3), row["event_id"]))
    assert only(rows(reader, "event_log", kind="note"))["acknowledged_at"] is None
