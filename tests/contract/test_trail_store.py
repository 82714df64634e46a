"""What every `TrailStore` promises, asked of SQLite and of PostgreSQL."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import StoreUnusableError
from monitor.frame import FrameLoss
from monitor.records import (
    Alert,
    AlertKind,
    BirthKind,
    EndReason,
    Event,
    EventKind,
    FrameQuality,
    FrameStatus,
    RejectReason,
    RunState,
    TrailEnd,
    TrailEvent,
)
from monitor.records.result import ArchivedFrame
from monitor.records.run import (
    EventAcknowledged,
    RunEnded,
    RunEvent,
    SessionEnded,
    SessionEndKind,
    SilenceObserved,
    TimeZeroSet,
)
from monitor.store import HistoryWanted, SqlTrailStore, TrailReader, TrailStore, open_store
from tests import trail_results as made
from tests.postgresql_server import fresh_database, throwaway_server

_numbers = count()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with throwaway_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'trails.sqlite'}"
    return fresh_database(request.getfixturevalue("server"), f"store_{next(_numbers)}")


@pytest.fixture
def store(database: str) -> Iterator[SqlTrailStore]:
    opened = open_store(database)
    yield opened
    opened.close()


@pytest.fixture
def reader(database: str, store: SqlTrailStore) -> Iterator[TrailReader]:
    with TrailReader(database) as opened:
        yield opened


def rows(reader: TrailReader, view: str, **equal: Any) -> list[dict[str, Any]]:
    return list(reader.view(view, **equal).records())


def only(found: list[dict[str, Any]]) -> dict[str, Any]:
    assert len(found) == 1, found
    return found[0]


def test_it_is_a_trail_store(store: SqlTrailStore) -> None:
    kept: TrailStore = store
    assert kept.resume_run() is None


def test_a_run_keeps_its_provenance_and_is_resumed(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    assert run.run_id == 1
    assert store.resume_run() == run
    summary = only(rows(reader, "run_summary"))
    assert summary["name"] == "salt"
    assert summary["started_at"] == "2026-09-21T14:13:20.123456Z"
    assert (summary["camera"], summary["um_per_px"], summary["backend"]) == ("SimCam 7", 0.5, "openvino bf16")
    assert summary["detection_limit_um"] == 3.0
    assert (summary["state"], summary["crystals"], summary["induction_s"]) == ("waiting", 0, None)
    assert only(list(reader.provenance(run.run_id).records()))["model_card"] == '{"width": 16}'


def test_the_next_run_ends_the_last_and_its_trails(store: SqlTrailStore, reader: TrailReader) -> None:
    first = store.start_run(made.run_start("first"))
    for index in range(4):
        store.append(first, made.growing(index, 2))
    assert only(rows(reader, "trail_summary", crystal_id=1))["ended_s"] is None
    second = store.start_run(made.run_start("second", started=made.at(10)))
    assert second.run_id == first.run_id + 1
    assert store.resume_run() == second
    trail = only(rows(reader, "trail_summary", run_id=first.run_id, crystal_id=1))
    assert (trail["end_reason"], trail["ended_s"]) == ("run_end", 3.0)
    ended = only(rows(reader, "event_log", run_id=first.run_id, kind="run_ended"))
    assert "second" in ended["message"]
    assert reader.find_run("last") == second.run_id
    assert reader.find_run("first") == first.run_id


def test_what_a_frame_yields_is_in_the_views(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    for index in range(6):
        assert store.append(run, made.growing(index, 3))
    log = rows(reader, "frame_log")
    assert [row["frame_index"] for row in log] == list(range(6))
    assert (log[3]["count"], log[3]["total_area_px"], log[3]["captured_at"]) == (
        3,
        396.0,
        "2026-09-21T14:13:23.123456Z",
    )
    growth = rows(reader, "growth_history", crystal_id=2)
    assert [row["area_px"] for row in growth] == [112.0, 122.0, 132.0, 142.0, 152.0]
    assert [row["elapsed_s"] for row in growth] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert growth[0]["area_um2"] == 28.0
    trail = only(rows(reader, "trail_summary", crystal_id=2))
    assert (trail["birth_kind"], trail["points"], trail["first_area_px"], trail["last_area_px"]) == (
        "born",
        5,
        112.0,
        152.0,
    )
    assert (trail["growth_rate_um_per_s"], trail["fit_points"]) == (0.1, 9)
    assert (trail["birth_low_s"], trail["birth_high_s"]) == (0.0, 1.0)
    assert len(rows(reader, "csd")) == 6
    summary = only(rows(reader, "run_summary"))
    assert (summary["frames_ok"], summary["crystals"], summary["coverage"]) == (6, 3, 456.0 / 5000)
    assert (summary["induction_s"], summary["induction_low_s"]) == (1.0, 0.0)


def test_tentative_trails_are_hidden_until_confirmed_then_shown_whole(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.result(0, [made.point(1, 0, 50.0, False), made.point(2, 0, 60.0, False)]))
    store.append(run, made.result(1, [made.point(1, 1, 55.0, False), made.point(2, 1, 60.0, False)]))
    assert rows(reader, "growth_history") == []
    assert rows(reader, "trail_summary") == []
    confirmed = made.result(2, [made.point(1, 2, 60.0)], born=[made.birth(1, 0.0)], dropped=[2])
    store.append(run, confirmed)
    assert [row["area_px"] for row in rows(reader, "growth_history")] == [50.0, 55.0, 60.0]
    assert [row["crystal_id"] for row in rows(reader, "trail_summary")] == [1]
    assert {one.crystal_id for one in store.load_field(run, "main").points} == {1}


def test_a_frame_is_never_written_twice(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    for index in range(4):
        assert store.append(run, made.growing(index, 2))
    before = [rows(reader, view) for view in ("run_summary", "trail_summary", "event_log", "session_log")]
    assert not store.append(run, made.growing(3, 2))
    assert not store.append(run, made.growing(1, 2))
    assert [
        rows(reader, view) for view in ("run_summary", "trail_summary", "event_log", "session_log")
    ] == before


def test_a_field_is_read_back_as_it_was_written(store: SqlTrailStore) -> None:
    run = store.start_run(made.run_start())
    assert store.load_field(run, "main").next_crystal_id == 1
    written = [made.growing(index, 3) for index in range(5)]
    for one in written:
        store.append(run, one)
    stored = store.load_field(run, "main")
    assert stored.next_crystal_id == 4
    assert stored.state == made.field_state("after 4")
    assert (stored.last_elapsed_s, stored.run_state) == (4.0, RunState.GROWING)
    expected = [
        dataclasses.replace(one, confirmed=True)
        for frame in written
        for one in (frame.tracker.updated if frame.tracker else ())
    ]
    assert list(stored.points) == expected
    assert [birth.crystal_id for birth in stored.births] == [1, 2, 3]
    assert [frame.elapsed_s for frame in stored.frames] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_contacts_borders_and_gaps_survive_the_round_trip(store: SqlTrailStore) -> None:
    run = store.start_run(made.run_start())
    odd = made.point(1, 0, 80.5, carried=False, fit_for_growth=False)
    odd = dataclasses.replace(
        odd, observation=dataclasses.replace(odd.observation, contact_labels=(4, 9), touches_border=True)
    )
    bare = made.point(2, 0, 70.25)
    bare = dataclasses.replace(bare, observation=made.observation(2, 70.25, um_per_px=None))
    store.append(run, made.result(0, [odd, bare]))
    assert list(store.load_field(run, "main").points) == [odd, bare]


def test_only_the_wanted_part_of_the_past_is_read(store: SqlTrailStore) -> None:
    run = store.start_run(made.run_start())
    for index in range(12):
        store.append(run, made.growing(index, 2))
    wanted = HistoryWanted(span_s=2.0, first_points=3, last_points=1)
    stored = store.load_field(run, "main", wanted)
    assert [one.elapsed_s for one in stored.points if one.crystal_id == 2] == [1.0, 2.0, 3.0, 9.0, 10.0, 11.0]
    assert [frame.elapsed_s for frame in stored.frames] == [1.0, 2.0, 3.0, 9.0, 10.0, 11.0]
    assert [one.elapsed_s for one in store.load_field(run, "main", HistoryWanted(0.0, 0, 4)).points][-2:] == [
        11.0,
        11.0,
    ]


def test_a_restart_in_a_long_field_reads_little(store: SqlTrailStore) -> None:
    """Of crystals that came and went only the first and the last born count, and those of the span."""
    run = store.start_run(made.run_start())
    for index in range(0, 60, 2):
        number = 1 + index // 2
        store.append(
            run, made.result(index, [made.point(number, index, 90.0)], born=[made.birth(number, index)])
        )
        ended = TrailEnd(number, EndReason.DISSOLVED, float(index)) if number > 2 else None
        store.append(run, made.result(index + 1, [], ended=[ended] if ended else []))
    assert len(store.load_field(run, "main").births) == 30, "the control"
    stored = store.load_field(run, "main", HistoryWanted(span_s=6.0, first_points=1, last_points=1))
    assert [one.crystal_id for one in stored.births] == [1, 2, 27, 28, 29, 30], "alive: 1 and 2"
    assert [frame.elapsed_s for frame in stored.frames] == [0.0, 2.0, *map(float, range(53, 60))]
    last_born = store.load_field(run, "main", HistoryWanted(span_s=0.0, first_points=1, last_points=1))
    assert [one.crystal_id for one in last_born.births] == [1, 2, 30]


def test_ends_merges_and_returns(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    for index in range(3):
        store.append(run, made.growing(index, 2))
    merge = TrailEvent(EventKind.MERGE, 2, "crystal 2 merged into 1", 1.0)
    ended = TrailEnd(2, EndReason.MERGED, 2.0, merged_into=1)
    store.append(run, made.result(3, [made.point(1, 3, 250.0)], ended=[ended], happened=[merge]))
    trail = only(rows(reader, "trail_summary", crystal_id=2))
    assert (trail["end_reason"], trail["merged_into"], trail["ended_s"]) == ("merged", 1, 2.0)
    assert only(rows(reader, "event_log", kind="merge"))["message"] == "crystal 2 merged into 1"
    lost = TrailEnd(1, EndReason.LOST, 3.0)
    store.append(run, made.result(4, [], ended=[lost]))
    assert only(rows(reader, "trail_summary", crystal_id=1))["end_reason"] == "lost"
    assert only(rows(reader, "event_log", kind="loss"))["crystal_id"] == 1
    store.append(run, made.result(5, [made.point(1, 5, 260.0)]))
    assert only(rows(reader, "trail_summary", crystal_id=1))["end_reason"] is None


def test_carried_points_stand_in_the_history_and_move_no_figure(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.result(0, [made.point(1, 0, 100.0)], born=[made.birth(1, 0.0)]))
    store.append(run, made.result(1, [made.point(1, 1, 999.0, carried=True, fit_for_growth=False)]))
    assert [row["carried"] for row in rows(reader, "growth_history")] == [0, 1]
    trail = only(rows(reader, "trail_summary"))
    assert (trail["points"], trail["last_area_px"], trail["max_area_um2"]) == (1, 100.0, 25.0)


def test_a_rate_that_is_unknown_is_null_and_a_known_birth_stays(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    run = store.start_run(made.run_start())
    born = [made.birth(1, 1.0, clear_s=0.0)]
    first = made.fit(1, birth_s=0.5, birth_low_s=0.25, birth_high_s=0.75)
    store.append(run, made.result(1, [made.point(1, 1, 90.0)], born=born, fits=(first,)))
    store.append(run, made.result(2, [made.point(1, 2, 95.0)], fits=(made.fit(1, rate=None),)))
    trail = only(rows(reader, "trail_summary"))
    assert (trail["growth_rate_px_per_s"], trail["growth_rate_um_per_s"]) == (None, None)
    assert (trail["birth_s"], trail["birth_low_s"], trail["birth_high_s"]) == (0.5, 0.25, 0.75)


def test_not_a_number_and_infinity_become_null(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    seen = made.point(1, 0, 90.0)
    seen = dataclasses.replace(
        seen, observation=dataclasses.replace(seen.observation, circularity=float("nan"))
    )
    unbounded = made.fit(1, high_um_per_s=float("inf"))
    assert store.append(run, made.result(0, [seen], born=[made.birth(1, 0.0)], fits=(unbounded,)))
    assert only(rows(reader, "growth_history"))["circularity"] is None
    assert only(rows(reader, "trail_summary"))["growth_rate_high_um_per_s"] is None


def test_failed_and_rejected_frames_are_counted_and_leave_the_last_finding(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    run = store.start_run(made.run_start())
    for index in range(3):
        store.append(run, made.growing(index, 2))
    dark = FrameQuality(
        FrameStatus.REJECTED, RejectReason.DARK, "mean brightness 0.01 is below 0.05", light=0.01
    )
    broken = FrameQuality(FrameStatus.FAILED, RejectReason.UNREADABLE, "the file is truncated")
    store.append(run, made.without_sight(3, dark))
    store.append(run, made.without_sight(4, broken, source_name="a.tif", width_px=None, height_px=None))
    summary = only(rows(reader, "run_summary"))
    assert (summary["frames_ok"], summary["frames_rejected"], summary["frames_failed"]) == (3, 1, 1)
    assert (summary["crystals_in_view"], summary["state"]) == (2, "growing")
    log = only(rows(reader, "frame_log", frame_index=4))
    assert (log["status"], log["reason"], log["source_name"], log["count"]) == (
        "failed",
        "unreadable",
        "a.tif",
        None,
    )


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


def test_time_zero_moves_every_elapsed_time(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    for index in range(4):
        store.append(run, made.growing(index, 1))
    run = store.record(run, TimeZeroSet(made.at(0.5)))
    assert run.zero_s == 0.5
    assert store.resume_run() == run
    assert [row["elapsed_s"] for row in rows(reader, "frame_log")] == [-0.5, 0.5, 1.5, 2.5]
    assert only(rows(reader, "run_summary"))["induction_s"] == 0.5
    assert only(rows(reader, "trail_summary"))["first_seen_s"] == 0.5
    assert only(rows(reader, "event_log", kind="time_zero"))["elapsed_s"] == 0.0
    assert store.load_field(run, "main").last_elapsed_s == 3.0


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
    store.record(run, EventAcknowledged(made.at(3), row["event_id"]))
    store.record(run, EventAcknowledged(made.at(9), row["event_id"]))
    assert only(rows(reader, "event_log", kind="note"))["acknowledged_at"] == "2026-09-21T14:13:23.123456Z"


def test_an_ended_run_is_not_resumed(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    store.record(run, RunEnded(made.at(5), "replay finished"))
    store.record(run, RunEnded(made.at(9)))
    assert store.resume_run() is None
    assert only(rows(reader, "run_summary"))["ended_at"] == "2026-09-21T14:13:25.123456Z"
    assert len(rows(reader, "event_log", kind="run_ended")) == 1


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


def test_fields_number_their_crystals_and_finish_on_their_own(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    run = store.start_run(made.run_start())
    done = made.completion(RunState.COMPLETE, changed=True, completed_elapsed_s=0.5)
    first = made.result(0, [made.point(1, 0, 50.0)], born=[made.birth(1, 0.0)], completion=done, field="A1")
    second = made.result(
        1, [made.point(1, 1, 70.0)], born=[made.birth(1, 1.0, BirthKind.PRESENT_AT_START)], field="A2"
    )
    store.append(run, first)
    assert only(rows(reader, "run_summary"))["state"] == "complete"
    store.append(run, second)
    summary = only(rows(reader, "run_summary"))
    assert (summary["state"], summary["completed_at"]) == ("growing", None)
    assert (summary["crystals"], summary["total_area_px"], summary["coverage"]) == (2, 120.0, 120.0 / 10_000)
    assert [row["field"] for row in rows(reader, "trail_summary")] == ["A1", "A2"]


def test_the_archive_corrects_the_rows_of_earlier_frames(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.result(0, archived="run-1/a.png"))
    store.append(run, made.result(1))
    earlier = ArchivedFrame(made.SESSION, 1, "run-1/b.png")
    store.append(run, made.result(2, archived_before=(earlier,), archive_dropped=("run-1/a.png",)))
    assert [row["archived"] for row in rows(reader, "frame_log")] == [None, "run-1/b.png", None]


def test_a_second_writer_is_refused(database: str, store: SqlTrailStore) -> None:
    with pytest.raises(StoreUnusableError, match="already written by another process"):
        open_store(database)
    store.close()
    open_store(database).close()


def test_it_goes_on_where_it_was_closed(database: str) -> None:
    first = open_store(database)
    run = first.start_run(made.run_start())
    first.append(run, made.growing(0, 2))
    first.close()
    first.close()
    second = open_store(database)
    assert second.resume_run() == run
    assert second.append(run, made.growing(1, 2))
    assert second.load_field(run, "main").next_crystal_id == 3
    second.close()
