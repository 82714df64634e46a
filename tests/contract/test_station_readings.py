"""What metrics and `status` read, alike from both databases: this station's events, alerts and deliveries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from monitor.analysis.delivery_tally import DeliveryTally
from monitor.analysis.store_figures import StoreWatch
from monitor.metrics import StoreFigures
from monitor.records import Alert, AlertKind, Event, EventKind
from monitor.records.run import EventAcknowledged, RunEvent
from monitor.service.station_status import Verdict, station_status
from monitor.settings.loading import load_settings
from monitor.store import SqlTrailStore, TrailReader
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


def until(ask: Callable[[], StoreFigures], enough: Callable[[StoreFigures], bool]) -> StoreFigures:
    end = time.monotonic() + 20
    while not enough(figures := ask()):
        assert time.monotonic() < end, figures
        time.sleep(0.02)
    return figures
