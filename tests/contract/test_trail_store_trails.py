"""What every `TrailStore` promises, asked of SQLite and of PostgreSQL.

Trails: from the first point to the end.
"""

from __future__ import annotations

import pytest

from monitor.records import (
    EndReason,
    EventKind,
    TrailEnd,
    TrailEvent,
)
from monitor.store import SqlTrailStore, TrailReader
from tests import trail_results as made
from tests.contract.stored_rows import only, rows


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


def test_a_crystal_may_come_after_others_of_higher_numbers(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.result(0, [made.point(7, 0, 100.0)], born=[made.birth(7, 0.0)]))
    points = [made.point(3, 1, 50.0), made.point(7, 1, 90.0)]
    store.append(run, made.result(1, points, fits=(made.fit(3), made.fit(7))))
    figures = [
        (row["crystal_id"], row["points"], row["first_area_px"], row["last_area_px"], row["max_area_px"])
        for row in rows(reader, "trail_summary")
    ]
    assert figures == [(3, 1, 50.0, 50.0, 50.0), (7, 2, 100.0, 90.0, 100.0)]
    assert {row["fit_points"] for row in rows(reader, "trail_summary")} == {9}


def test_every_crystal_of_a_crowded_frame_has_a_row_of_its_own(
    store: SqlTrailStore, reader: TrailReader
) -> None:
    run = store.start_run(made.run_start())
    for index in range(4):
        store.append(run, made.growing(index, 75))
    crowded = {
        row["crystal_id"]: row["area_px"] for row in rows(reader, "growth_history") if row["frame_index"] == 3
    }
    assert crowded == {crystal: 130.0 + crystal for crystal in range(1, 76)}
    assert {row["points"] for row in rows(reader, "trail_summary")} == {3}


@pytest.mark.parametrize("fitted", [False, True])
def test_areas_are_followed_in_both_units(store: SqlTrailStore, reader: TrailReader, *, fitted: bool) -> None:
    run = store.start_run(made.run_start())
    for index, area_px in enumerate((100.0, 300.0, 200.0)):
        born = [made.birth(1, 0.0)] if index == 0 else []
        fits = (made.fit(1),) if fitted else ()
        store.append(run, made.result(index, [made.point(1, index, area_px)], born=born, fits=fits))
    trail = only(rows(reader, "trail_summary"))
    for role, area_px in (("first", 100.0), ("last", 200.0)):
        assert trail[f"{role}_area_px"] == area_px
        assert trail[f"{role}_area_um2"] == area_px / 4
    assert trail["max_area_um2"] == 75.0
    assert (trail["first_seen_s"], trail["points"]) == (0.0, 3)
