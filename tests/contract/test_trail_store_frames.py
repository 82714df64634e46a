"""What every `TrailStore` promises, asked of SQLite and of PostgreSQL.

What a frame writes, and what a restart reads back.
"""

from __future__ import annotations

import dataclasses

from monitor.records import (
    BirthKind,
    EndReason,
    FrameQuality,
    FrameStatus,
    RejectReason,
    RunState,
    TrailEnd,
)
from monitor.records.result import ArchivedFrame
from monitor.store import HistoryWanted, SqlTrailStore, TrailReader
from tests import trail_results as made
from tests.contract.stored_rows import only, rows


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


def test_a_restart_leaves_out_points_in_contact(store: SqlTrailStore) -> None:
    """A crystal that has touched another since frame 6: its last points that may be fitted are those before."""
    run = store.start_run(made.run_start())
    for index in range(7):
        store.append(run, made.growing(index, 1))
    for index in range(7, 20):
        store.append(run, made.result(index, [made.point(1, index, 170.0, fit_for_growth=False)]))
    assert len(store.load_field(run, "main").points) == 19, "the control"
    stored = store.load_field(run, "main", HistoryWanted(span_s=3.0, first_points=2, last_points=2))
    assert [one.elapsed_s for one in stored.points] == [1.0, 2.0, 5.0, 6.0]
    assert [frame.elapsed_s for frame in stored.frames] == [1.0, 2.0, 5.0, 6.0, 16.0, 17.0, 18.0, 19.0]
