"""The audit trail beside retention: a run that goes, or is going, is no forgery, and a forgery beside it is one."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import Connection

from monitor.records import Alert, AlertKind, Event, EventKind
from monitor.records.audit import Attribution, AuditEntry
from monitor.records.run import EventAcknowledged, Run, RunChange, RunEnded, RunEvent, TimeZeroSet
from monitor.settings.retention import RetentionSettings
from monitor.store import (
    SqlTrailStore,
    TrailReader,
    audit_agreement,
    audit_deeds,
    runs,
    sql_trail_store,
    verify_audit,
)
from monitor.store.reading_connection import ReadingConnection
from tests import trail_results as made
from tests.contract.test_audit import faults, tamper, trail

REMOVE = RetentionSettings(runs_days=0)
LATER = made.at(86_400.0)


def alerted(store: SqlTrailStore, database: str, name: str) -> tuple[Run, int]:
    """An open run with an alert, and the number of its event."""
    run = store.start_run(made.run_start(name))
    told = Alert("many", AlertKind.COUNT, True, "7 crystals", 7.0, 5.0)
    store.append(run, dataclasses.replace(made.growing(0, 2), alerts=(told,)))
    with TrailReader(database) as reader:
        (event_id,) = reader.view("event_log", run.run_id, kind="alert_raised").column("event_id")
    assert isinstance(event_id, int)
    return run, event_id


def test_a_run_that_is_being_removed_is_no_forgery(store: SqlTrailStore, database: str) -> None:
    run, event_id = alerted(store, database, "salt")
    store.record(run, EventAcknowledged(made.at(1), event_id))
    store.record(run, RunEnded(made.at(1)))
    assert faults(database) == [], "the control"
    between = 0
    for _ in store.tidy(REMOVE, LATER):
        with TrailReader(database) as reader:
            events_gone = not len(reader.view("event_log", run.run_id))
            between += events_gone and bool(len(reader.view("run_summary", run.run_id)))
        assert faults(database) == []
    assert between, "the control: its events go before its row"
    assert [row["kind"] for row in trail(database)][-1] == "data_deleted"


def test_that_its_removal_began_excuses_no_acknowledgement_taken_back(
    store: SqlTrailStore, database: str
) -> None:
    run, event_id = alerted(store, database, "salt")
    store.record(run, EventAcknowledged(made.at(1), event_id))
    store.record(run, RunEnded(made.at(1)))
    tamper(database, "UPDATE run SET points_to_remove = 2", "UPDATE event SET acknowledged_at = NULL")
    (found,) = faults(database)
    assert f"event {event_id} of run {run.run_id} is no longer acknowledged" in found


def test_an_acknowledgement_is_of_the_run_of_its_event(store: SqlTrailStore, database: str) -> None:
    old, event_id = alerted(store, database, "salt")
    store.record(old, RunEnded(made.at(1)))
    new = store.start_run(made.run_start("next"))
    store.record(new, EventAcknowledged(made.at(2), event_id))
    (row,) = trail(database, kind="acknowledged")
    assert row["run_id"] == old.run_id
    assert faults(database) == []
    assert any(step is not None and step.action == "removed" for step in store.tidy(REMOVE, LATER))
    assert faults(database) == []


def test_what_is_written_while_the_trail_is_compared_is_no_forgery(
    store: SqlTrailStore, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, event_id = alerted(store, database, "salt")
    meanwhile: list[RunChange] = [EventAcknowledged(made.at(1), event_id), TimeZeroSet(made.at(1))]
    read_trail = audit_agreement._told

    def told(connection: ReadingConnection) -> object:
        found = read_trail(connection)
        for change in meanwhile:
            store.record(run, change)
        if meanwhile:
            store.start_run(made.run_start("next"))
        meanwhile.clear()
        return found

    monkeypatch.setattr(audit_agreement, "_told", told)
    assert faults(database) == []
    assert not meanwhile, "the control: it was written between"
    tamper(database, "UPDATE run SET zero_s = 7")
    assert len(faults(database)) == 2


@pytest.fixture
def written_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of acknowledgements as they were written before: under the run that was open, without the event's."""

    def acknowledge(
        connection: Connection, change: EventAcknowledged, by: Attribution, sharing: str | None
    ) -> None:
        open_run = runs.find_open_run(connection, sharing)
        assert open_run is not None

        def acknowledged(change: EventAcknowledged, by: Attribution, _: int) -> AuditEntry:
            entry = audit_deeds.acknowledged(change, by, open_run.run_id)
            return dataclasses.replace(entry, details={"event_id": change.event_id})

        with pytest.MonkeyPatch.context() as before:
            before.setattr(runs, "acknowledged", acknowledged)
            runs.acknowledge(connection, change, by, sharing)

    monkeypatch.setattr(sql_trail_store, "acknowledge", acknowledge)


@pytest.mark.usefixtures("written_before")
def test_a_row_that_names_the_run_that_was_open_is_no_forgery(store: SqlTrailStore, database: str) -> None:
    old, event_id = alerted(store, database, "salt")
    store.record(old, RunEnded(made.at(1)))
    new, own_event_id = alerted(store, database, "next")
    store.record(new, EventAcknowledged(made.at(2), event_id))
    store.record(new, EventAcknowledged(made.at(2), own_event_id))
    store.record(new, RunEvent(made.at(2), Event(EventKind.NOTE, "as ever")))
    assert [row["run_id"] for row in trail(database, kind="acknowledged")] == [new.run_id] * 2, "the control"
    tamper(database, f"UPDATE event SET acknowledged_at = NULL WHERE event_id = {event_id}")
    assert len(faults(database)) == 1, "its event is there, and says otherwise"
    tamper(database, f"UPDATE event SET acknowledged_at = at WHERE event_id = {event_id}")
    for _ in store.tidy(REMOVE, LATER):
        assert faults(database) == []
    assert verify_audit(database).rows == len(trail(database))
    tamper(database, f"UPDATE event SET acknowledged_at = NULL WHERE event_id = {own_event_id}")
    (found,) = faults(database)
    assert f"event {own_event_id} of run {new.run_id} is no longer acknowledged" in found
