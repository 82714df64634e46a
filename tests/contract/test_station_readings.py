"""What metrics and `status` read, alike from both databases: this station's events, alerts and deliveries."""

from __future__ import annotations

import errno
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from monitor.analysis.delivery_tally import DeliveryTally
from monitor.analysis.store_figures import StoreWatch
from monitor.errors import QueryError
from monitor.metrics import StoreFigures
from monitor.records import Alert, AlertKind, Event, EventKind
from monitor.records.run import EventAcknowledged, RunEvent
from monitor.records.trail import TrailEnd
from monitor.records.vocabulary import EndReason
from monitor.service.station_status import Verdict, station_status
from monitor.settings.loading import load_settings
from monitor.store import SqlTrailStore, TrailReader, open_store
from tests import trail_results as made

ALERT = Alert("first crystal", AlertKind.NUCLEATION, True, "the first crystal was born", 1.0, None, 1)


def test_events_of_the_wanted_runs_alone_come_in_order(store: SqlTrailStore, reader: TrailReader) -> None:
    first = store.start_run(made.run_start("first"))
    store.record(first, RunEvent(made.at(1), Event(EventKind.NOTE, "a")))
    second = store.start_run(made.run_start("second"))
    store.append(second, replace(made.result(0), alerts=(ALERT,)))
    kinds = [(kind, alert) for _, kind, alert in reader.events_after(0, [second.run_id], 100)]
    assert ("note", None) not in kinds
    assert ("alert_raised", "nucleation") in kinds
    both = reader.events_after(0, [first.run_id, second.run_id], 100)
    assert [number for number, _, _ in both] == sorted(number for number, _, _ in both)
    assert len(both) > len(kinds)
    assert reader.events_after(both[-1][0], [second.run_id], 100) == []
    assert reader.events_after(0, [], 100) == []
    assert len(reader.events_after(0, [second.run_id], 1)) == 1


def test_alerts_count_until_they_are_acknowledged(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    store.append(run, replace(made.result(0), alerts=(ALERT,)))
    assert reader.unacknowledged_alerts(run.run_id) == 1
    (number,) = [
        number for number, kind, _ in reader.events_after(0, [run.run_id], 9) if kind == "alert_raised"
    ]
    store.record(run, EventAcknowledged(made.at(2), number))
    assert reader.unacknowledged_alerts(run.run_id) == 0


def test_an_outbox_that_was_never_used_is_read(store: SqlTrailStore, reader: TrailReader) -> None:
    tally = DeliveryTally("a", ["log"], reader)
    tally.read(reader)
    assert tally.pending == {"log": 0}


def test_the_watch_counts_what_comes_after_it(database: str, store: SqlTrailStore) -> None:
    run = store.start_run(made.run_start())
    with StoreWatch(database, 0.05, "station") as watch:
        watch.follow(run.run_id)
        store.append(run, replace(made.result(0), alerts=(ALERT,)))
        figures = until(watch.figures, lambda figures: bool(figures.alerts))
    assert figures.readable
    assert figures.alerts == {("nucleation", "raised"): 1}
    assert "run_started" not in figures.events, "that was before"
    assert figures.unacknowledged == 1
    if database.startswith("sqlite"):
        assert figures.database_bytes
        assert figures.disk_free_bytes
    else:
        assert figures.database_bytes is None, "a server's disk is not ours to look at"


def test_status_tells_the_last_run_while_the_daemon_is_down(
    database: str, store: SqlTrailStore, reader: TrailReader
) -> None:
    settings = load_settings(
        None, {"storage": {"database": database}, "control": {"endpoint": "ipc:///nowhere/control.ipc"}}
    )
    assert "no run" in station_status(settings).told_by
    run = store.start_run(made.run_start("of us"))
    for index in range(6):
        store.append(run, made.growing(index, 3))
    status = station_status(settings)
    assert status.verdict is Verdict.DOWN
    assert status.stored is not None
    assert status.stored.run["name"] == "of us"
    assert status.stored.run["crystals_in_view"] == 3
    assert status.stored.median_rate_um_per_s is not None
    assert status.stored.last_frame is not None
    assert status.stored.last_frame["frame_index"] == 5
    if not database.startswith("sqlite"):
        other = settings.model_copy(update={"name": "another"})
        assert station_status(other).stored is None, "the run is not that station's"


def living(reader: TrailReader, run_id: int) -> list[float]:
    return [
        float(str(row["growth_rate_um_per_s"]))
        for row in reader.view("trail_summary", run_id).records()
        if row["ended_s"] is None and row["growth_rate_um_per_s"] is not None
    ]


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_the_median_rate_is_that_of_trails_that_live(
    store: SqlTrailStore, reader: TrailReader, database: str, count: int
) -> None:
    other = store.start_run(made.run_start("another"))
    store.append(other, made.growing(2, 3))
    run = store.start_run(made.run_start())
    for index in range(4):
        store.append(run, made.growing(index, count + 2))
    assert reader.median_growth_rate(run.run_id) is None, "no rate is known yet"
    rates = [0.7, 0.1, None, 0.9, 0.3, 0.2, 0.8, 0.6]
    last = made.growing(4, count + 2)
    assert last.tracker is not None
    fits = tuple(made.fit(crystal_id, rates[crystal_id - 1]) for crystal_id in range(1, count + 3))
    ended = (TrailEnd(1, EndReason.LOST, 4.0),)
    store.append(run, replace(last, fits=fits, tracker=replace(last.tracker, ended=ended)))
    expected = living(reader, run.run_id)
    assert len(expected) == count, "neither the one that ended nor the one without a rate"
    assert reader.median_growth_rate(run.run_id) == pytest.approx(median(expected), rel=1e-12)


def test_status_answers_however_many_trails_and_alerts_there_are(tmp_path: Path) -> None:
    path = tmp_path / "trails.sqlite"
    store = open_store(str(path))
    run = store.start_run(made.run_start())
    for index in range(6):
        store.append(run, replace(made.growing(index, 3), alerts=(ALERT,) if index == 0 else ()))
    store.close()
    with sqlite3.connect(path) as connection:
        for table, key in (("trail", "crystal_id"), ("event", "event_id")):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(f"{key} + n" if name == key else name for name in columns)
            kind = "AND kind = 'alert_raised'" if table == "event" else f"AND {key} = 1"
            connection.execute(
                "WITH RECURSIVE more(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM more WHERE n < 100010) "
                f"INSERT INTO {table} SELECT {values} FROM {table}, more WHERE 1 {kind}"
            )
    connection.close()
    settings = load_settings(
        None,
        {"storage": {"database": f"sqlite:///{path}"}, "control": {"endpoint": "ipc:///nowhere/control.ipc"}},
    )
    with TrailReader(str(path)) as reader, pytest.raises(QueryError, match="100000"):
        reader.view("trail_summary", run.run_id)  # the control: more than a view may give at once
    stored = station_status(settings).stored
    assert stored is not None
    assert stored.median_rate_um_per_s == pytest.approx(0.1)
    assert (stored.alerts_unacknowledged, len(stored.alerts)) == (100_002, 5)
    numbers = [int(str(alert["event_id"])) for alert in stored.alerts]
    assert numbers == sorted(numbers, reverse=True)


def test_a_daemon_that_takes_no_more_connections_is_not_down(tmp_path: Path) -> None:
    path = tmp_path / "control.ipc"
    settings = load_settings(
        None,
        {
            "storage": {"database": f"sqlite:///{tmp_path}/t.sqlite"},
            "control": {"endpoint": f"ipc://{path}", "timeout_s": 0.2},
        },
    )
    assert station_status(settings).verdict is Verdict.DOWN, "no socket"
    with ExitStack() as stack:
        frozen = stack.enter_context(socket.socket(socket.AF_UNIX))
        frozen.bind(str(path))
        assert station_status(settings).verdict is Verdict.DOWN, "nobody listens"
        frozen.listen(3)
        refused = 0
        while not refused:
            waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
            waiting.setblocking(False)
            refused = waiting.connect_ex(str(path))
        assert refused == errno.EAGAIN, "the control: its queue is full"
        status = station_status(settings)
        assert status.verdict is Verdict.TROUBLE
        assert "it is frozen" in status.troubles[0]


def until(ask: Callable[[], StoreFigures], enough: Callable[[StoreFigures], bool]) -> StoreFigures:
    end = time.monotonic() + 20
    while not enough(figures := ask()):
        assert time.monotonic() < end, figures
        time.sleep(0.02)
    return figures
