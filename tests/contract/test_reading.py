"""What both databases answer a reader alike: long answers batch by batch, the fields, and until when is muted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from monitor.clock import Instant
from monitor.errors import QueryError
from monitor.records import Event, EventKind
from monitor.records.run import AlertsMuted, RunEvent, TimeZeroSet
from monitor.store import SqlTrailStore, TrailReader, open_store
from tests import trail_results as made
from tests.postgresql_server import fresh_database

CRYSTALS = 30
FRAMES = 400
_numbers = count()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[SqlTrailStore, TrailReader]]:
    if request.param == "sqlite":
        database = f"sqlite:///{tmp_path / 'trails.sqlite'}"
    else:
        database = fresh_database(request.getfixturevalue("server"), f"reading_{next(_numbers)}")
    opened = open_store(database, "NORMAL")
    with TrailReader(database) as reader:
        yield opened, reader
    opened.close()


@pytest.mark.timeout(300)
def test_a_long_answer_comes_in_batches(store: tuple[SqlTrailStore, TrailReader]) -> None:
    writer, reader = store
    run = writer.start_run(made.run_start())
    for index in range(FRAMES):
        writer.append(run, made.growing(index, CRYSTALS))
    stream = reader.stream("growth_history", run.run_id)
    batches = list(stream.batches)
    assert len(batches) == 3
    rows = [row for batch in batches for row in batch]
    assert len(rows) == CRYSTALS * (FRAMES - 1) == reader.count("growth_history", run.run_id)
    whole = reader.view("growth_history", run.run_id)
    assert (stream.columns, tuple(rows)) == (whole.columns, whole.rows)
    late = list(reader.stream("growth_history", run.run_id, 395.0, crystal_id=7).records())
    assert [row["elapsed_s"] for row in late] == [395.0, 396.0, 397.0, 398.0, 399.0]
    newest = reader.stream("event_log", run.run_id, newest=3)
    assert list(newest.rows()) == list(reader.view("event_log", run.run_id).rows[-3:])
    dropped = reader.stream("growth_history", run.run_id)
    assert len(next(dropped.batches)) == 5_000
    dropped.batches.close()  # type: ignore[attr-defined]  # a generator
    assert reader.field_names(run.run_id) == ("main",), "the connection is free again"


def test_no_stream_of_nonsense(store: tuple[SqlTrailStore, TrailReader]) -> None:
    _, reader = store
    assert list(reader.stream("event_log", 1).rows()) == []
    with pytest.raises(KeyError):
        reader.stream("event", 1)
    with pytest.raises(QueryError):
        list(reader.stream("event_log", 1, colour="red").rows())


def test_the_latest_muting_of_any_run_counts(store: tuple[SqlTrailStore, TrailReader]) -> None:
    writer, reader = store
    assert reader.muted_until() is None
    run = writer.start_run(made.run_start("first"))
    run = writer.record(run, AlertsMuted(made.at(1), made.at(601), "alerts are muted for 600 s"))
    assert reader.muted_until() == made.at(601)
    run = writer.start_run(made.run_start("second", started=made.at(5)))
    assert reader.muted_until() == made.at(601)
    writer.record(run, RunEvent(made.at(6), Event(EventKind.NOTE, "muted_until_utc_ns 5")))
    writer.record(run, AlertsMuted(made.at(7), Instant(12_345), "alerts are no longer muted"))
    assert reader.muted_until() == Instant(12_345)
    (note,) = reader.view("event_log", 1, kind="note").records()
    assert note["message"] == "alerts are muted for 600 s"


def test_a_run_without_real_time_has_its_frames_time(store: tuple[SqlTrailStore, TrailReader]) -> None:
    writer, reader = store
    run = writer.start_run(made.run_start(epoch=Instant(0)))
    for index in range(4):
        writer.append(run, made.growing(index, 1))
    run = writer.record(run, RunEvent(made.at(9), Event(EventKind.NOTE, "by hand")))
    run = writer.record(run, TimeZeroSet(made.at(10)))
    assert run.zero_s == 3.0
    elapsed = {row["kind"]: row["elapsed_s"] for row in reader.view("event_log", run.run_id).records()}
    assert (elapsed["run_started"], elapsed["note"], elapsed["time_zero"]) == (-3.0, 0.0, 0.0)
