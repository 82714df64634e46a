"""Stations: in PostgreSQL they share a database and leave one another alone; an SQLite file belongs to one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli.deliveries import deliveries
from monitor.errors import StoreError, StoreUnusableError, UnknownRunError
from monitor.records import Event, EventKind
from monitor.records.run import AlertsMuted, EventAcknowledged, RunEvent
from monitor.store import SqlTrailStore, TrailReader, open_store
from monitor.store.sql_trail_store import DEFAULT_STATION
from tests import trail_results as made
from tests.contract.stored_rows import only, rows
from tests.postgresql_server import fresh_database


@pytest.fixture
def lab(server: str, request: pytest.FixtureRequest) -> str:
    return fresh_database(server, request.node.name)


def test_every_view_says_which_station(store: SqlTrailStore, reader: TrailReader) -> None:
    run = store.start_run(made.run_start())
    for index in range(4):
        store.append(run, made.growing(index, 2))
    views = ("run_summary", "frame_log", "growth_history", "trail_summary", "csd", "event_log", "session_log")
    for view in views:
        assert set(reader.view(view).column("station")) == {DEFAULT_STATION}, view


def test_each_station_has_its_own_writer_run_and_muting(lab: str) -> None:
    first, second = open_store(lab, station="plate-1"), open_store(lab, station="plate-2")
    with pytest.raises(StoreUnusableError, match=r"'plate-1'.*another `name`"):
        open_store(lab, station="plate-1")
    run_1, run_2 = first.start_run(made.run_start("salt")), second.start_run(made.run_start("salt"))
    assert run_1.run_id != run_2.run_id
    assert (first.resume_run(), second.resume_run()) == (run_1, run_2), (
        "the next run ends none of another station"
    )
    first.record(run_1, AlertsMuted(made.at(1), made.at(60), "muted for a minute"))
    with TrailReader(lab) as reader:
        assert reader.stations() == ("plate-1", "plate-2")
        assert (reader.muted_until("plate-1"), reader.muted_until("plate-2")) == (made.at(60), None)
        assert reader.find_run("salt", "plate-1") == run_1.run_id
        assert reader.find_run("last", "plate-1") == run_1.run_id
        assert reader.find_run("last") == run_2.run_id
        with pytest.raises(UnknownRunError, match="of station 'plate-3'"):
            reader.find_run("last", "plate-3")
    third = first.start_run(made.run_start("sugar"))
    assert second.resume_run() == run_2
    with TrailReader(lab) as reader:
        ended = {row["run_id"]: row["ended_at"] for row in rows(reader, "run_summary")}
    assert ended[run_1.run_id] is not None
    assert (ended[run_2.run_id], ended[third.run_id]) == (None, None)
    first.close()
    second.close()


def test_deliveries_are_of_the_station_that_is_meant(lab: str) -> None:
    for name in ("plate-1", "plate-2"):
        store = open_store(lab, station=name)
        store.start_run(made.run_start("salt"))
        store.close()

    def ask(*words: str) -> Result:
        return CliRunner().invoke(deliveries, ["last", *words, "--database", lab])

    assert "run 2 is of station 'plate-2'; 2 share the database" in ask().output, "the control"
    assert ask("--station", "plate-1").output == "this run has no deliveries\n"
    missing = ask("--station", "plate-3").exception
    assert isinstance(missing, UnknownRunError)
    assert "of station 'plate-3'" in str(missing)


def test_a_file_is_one_stations_whatever_its_name_was(tmp_path: Path) -> None:
    database = str(tmp_path / "trails.sqlite")
    before = open_store(database, station="old-name")
    run = before.start_run(made.run_start())
    before.close()
    renamed = open_store(database, station="new-name")
    assert renamed.resume_run() == run
    renamed.start_run(made.run_start("next"))
    renamed.close()
    with TrailReader(database) as reader:
        assert only(rows(reader, "run_summary", station="new-name"))["name"] == "next"
        assert only(rows(reader, "run_summary", station="old-name"))["ended_at"] is not None


def test_an_event_of_any_run_of_the_station_is_acknowledged_and_of_no_other(lab: str) -> None:
    first, second = open_store(lab, station="plate-1"), open_store(lab, station="plate-2")
    run_1, run_2 = first.start_run(made.run_start("salt")), second.start_run(made.run_start("salt"))
    for store, run in ((first, run_1), (second, run_2)):
        store.record(run, RunEvent(made.at(1), Event(EventKind.ALERT_RAISED, "too hot")))
    with TrailReader(lab) as reader:
        theirs, mine = (
            int(str(reader.view("event_log", run.run_id, kind="alert_raised").column("event_id")[0]))
            for run in (run_2, run_1)
        )
    next_run = first.start_run(made.run_start("sugar"))
    first.record(next_run, EventAcknowledged(made.at(3), mine))
    with pytest.raises(StoreError, match=f"no event {theirs} in this station's runs"):
        first.record(next_run, EventAcknowledged(made.at(3), theirs))
    with TrailReader(lab) as reader:
        first_alert, their_alert = (
            reader.view("event_log", run.run_id, kind="alert_raised").column("acknowledged_at")[0]
            for run in (run_1, run_2)
        )
        assert first_alert is not None
        assert their_alert is None
    first.close()
    second.close()
