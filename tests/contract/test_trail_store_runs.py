"""What every `TrailStore` promises, asked of SQLite and of PostgreSQL.

Runs: begun, resumed, ended, one writer.
"""

from __future__ import annotations

import pytest

from monitor.errors import StoreUnusableError
from monitor.records.run import (
    RunEnded,
    TimeZeroSet,
)
from monitor.store import SqlTrailStore, TrailReader, TrailStore, open_store
from tests import trail_results as made
from tests.contract.stored_rows import only, rows


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


def test_an_ended_run_is_not_resumed(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    store.record(run, RunEnded(made.at(5), "replay finished"))
    store.record(run, RunEnded(made.at(9)))
    assert store.resume_run() is None
    assert only(rows(reader, "run_summary"))["ended_at"] == "2026-09-21T14:13:25.123456Z"
    assert len(rows(reader, "event_log", kind="run_ended")) == 1


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
