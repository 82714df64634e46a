"""The audit trail in SQLite and in PostgreSQL: rows come with their deed and never change, and all else is found."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import StoreError
from monitor.records import Event, EventKind
from monitor.records.audit import Attribution, AuditEntry, AuditKind, Authority
from monitor.records.result import FrameResult
from monitor.records.run import AlertsMuted, EventAcknowledged, RunEnded, RunEvent, TimeZeroSet
from monitor.settings.retention import RetentionSettings
from monitor.store import SqlTrailStore, TrailReader, locate, open_store, run_query, verify_audit
from tests import trail_results as made

ANNA = Attribution(Authority.KERNEL, "anna", 1007, claimed="", why="the lamp was changed")


def tamper(database: str, *statements: str) -> None:
    """As somebody who may write the database, with its own tools."""
    path = locate(database).path
    if path is not None:
        connection = sqlite3.connect(path, isolation_level=None)
        for sql in statements:
            connection.execute(sql)
        connection.close()
        return
    import psycopg

    with psycopg.connect(database, autocommit=True) as server:
        for sql in statements:
            server.execute(sql.encode())


def trail(database: str, **equal: Any) -> list[dict[str, Any]]:
    with TrailReader(database) as reader:
        return list(reader.view("audit_log", **equal).records())


def kinds(database: str) -> list[str]:
    return [row["kind"] for row in trail(database)]


def faults(database: str, *expected: str) -> list[str]:
    return [fault.message for fault in verify_audit(database, expected).faults]


def some_deeds(store: SqlTrailStore) -> None:
    run = store.start_run(made.run_start("salt"), ANNA)
    store.record(run, RunEvent(made.at(0), Event(EventKind.ALERT_RAISED, "too hot")))
    for index in range(3):
        store.append(run, made.growing(index, 2))
    run = store.record(run, TimeZeroSet(made.at(1)), ANNA)
    run = store.record(run, RunEvent(made.at(2), Event(EventKind.NOTE, 'µm × 结: "quoted"\nand more')), ANNA)
    store.record(run, EventAcknowledged(made.at(3), 2), ANNA)
    store.record(run, AlertsMuted(made.at(3), made.at(9), "alerts are muted for 6 s"), ANNA)
    store.record(run, RunEnded(made.at(4), "enough"))


def test_every_deed_has_its_row_with_who_and_why(store: SqlTrailStore, database: str) -> None:
    some_deeds(store)
    rows = trail(database)
    assert [row["kind"] for row in rows] == [
        "trail_begun", "run_started", "time_zero", "note", "acknowledged", "muted", "run_ended",
    ]  # fmt: skip
    assert [row["seq"] for row in rows] == list(range(1, 8))
    for row in rows[1:6]:
        assert (row["who"], row["who_by"], row["uid"], row["why"]) == (
            "anna",
            "kernel",
            1007,
            "the lamp was changed",
        )
    assert (rows[6]["who_by"], rows[6]["message"]) == ("process", "run 'salt' ended: enough")
    assert json.loads(rows[1]["details"])["weights_sha256"] == "c0" * 32
    assert json.loads(rows[2]["details"]) == {"before_s": 0.0, "after_s": 1.0}
    assert rows[0]["previous_hash"] == "0" * 64
    assert [row["previous_hash"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]
    report = verify_audit(database)
    assert (report.faults, report.rows, report.head) == ((), 7, rows[-1]["hash"])


def test_a_calibration_comes_with_its_frame_and_deleted_key_frames_do_not(
    store: SqlTrailStore, database: str
) -> None:
    run = store.start_run(made.run_start())
    plain: FrameResult = made.growing(0, 2)
    store.append(run, plain)
    assert kinds(database) == ["trail_begun", "run_started"], "the control"
    changed = Event(EventKind.CALIBRATION_CHANGED, "calibration changed from 0.5 µm/px to 1 µm/px", value=1.0)
    store.append(
        run, dataclasses.replace(made.growing(1, 2), events=(changed,), archive_dropped=("a.png", "b.png"))
    )
    (calibration,) = trail(database)[2:]
    assert calibration["kind"] == "calibration_changed"
    assert json.loads(calibration["details"])["frame_index"] == 1


def test_a_deed_that_fails_leaves_no_row(store: SqlTrailStore, database: str) -> None:
    run = store.start_run(made.run_start())
    before = kinds(database)
    with pytest.raises(StoreError, match="no event 99"):
        store.record(run, EventAcknowledged(made.at(3), 99), ANNA)
    assert kinds(database) == before


def test_a_row_without_a_run(store: SqlTrailStore, database: str) -> None:
    store.enter(
        AuditEntry(AuditKind.BACKED_UP, "copied", ANNA, station="north", details={"file": "b.sqlite"})
    )
    (row,) = trail(database, kind="backed_up")
    assert (row["run_id"], row["station"], row["who"]) == (None, "north", "anna")
    assert faults(database) == []


REFUSED = (
    "UPDATE audit SET who = 'otto' WHERE seq = 2",
    "UPDATE audit SET seq = 99 WHERE seq = 2",
    "DELETE FROM audit WHERE seq = 2",
    "DELETE FROM audit",
    "INSERT INTO audit SELECT seq + 100, at, kind, station, run_id, who, who_by, uid, claimed, why, message, details, "
    "previous_hash, hash FROM audit WHERE seq = 2",
    "INSERT INTO audit SELECT 8, at, kind, station, run_id, who, who_by, uid, claimed, why, message, details, "
    "previous_hash, hash FROM audit WHERE seq = 2",
)


def test_the_database_itself_refuses_all_but_the_next_row(store: SqlTrailStore, database: str) -> None:
    some_deeds(store)
    before = trail(database)
    truncate = ("TRUNCATE audit",) if locate(database).path is None else ()
    for sql in (*REFUSED, *truncate):
        with pytest.raises(Exception, match=r"append-only|follows the last one"):
            tamper(database, sql)
        assert trail(database) == before


SECOND_ROW_ANEW = (
    "INTO audit SELECT seq, at, kind, station, run_id, 'otto', who_by, uid, claimed, why, message, details, "
    "previous_hash, hash FROM audit WHERE seq = 2"
)


@pytest.mark.parametrize(
    "sql",
    [
        f"INSERT OR REPLACE {SECOND_ROW_ANEW}",
        f"REPLACE {SECOND_ROW_ANEW}",
        "INSERT INTO audit SELECT * FROM audit WHERE seq = 2 ON CONFLICT (seq) DO UPDATE SET who = 'otto'",
    ],
)
def test_sqlites_ways_around_are_closed(tmp_path: Path, sql: str) -> None:
    database = str(tmp_path / "trails.sqlite")
    store = open_store(database)
    some_deeds(store)
    store.close()
    before = trail(database)
    with pytest.raises(sqlite3.IntegrityError, match=r"append-only|follows the last one"):
        tamper(database, sql)
    assert trail(database) == before


def without_triggers(database: str) -> tuple[str, ...]:
    """What somebody does first who owns the database."""
    if locate(database).path is not None:
        return tuple(
            f"DROP TRIGGER {name}" for name in ("audit_no_update", "audit_no_delete", "audit_in_order")
        )
    return ("ALTER TABLE audit DISABLE TRIGGER ALL",)


FORGERIES: dict[str, tuple[str, str]] = {
    "a changed name": ("UPDATE audit SET who = 'otto' WHERE seq = 3", "row 3 was changed"),
    "a changed time": (
        "UPDATE audit SET at = (SELECT at FROM audit WHERE seq = 1) WHERE seq = 7",
        "row 7 was changed",
    ),
    "another kind": ("UPDATE audit SET kind = 'muted' WHERE seq = 4", "row 4 was changed"),
    "another reason": ("UPDATE audit SET why = '' WHERE seq = 5", "row 5 was changed"),
    "another hash": (f"UPDATE audit SET hash = '{'a' * 64}' WHERE seq = 4", "row 5 does not follow row 4"),
    "a removed row": ("DELETE FROM audit WHERE seq = 4", "row 4 is missing"),
    "removed rows": ("DELETE FROM audit WHERE seq IN (3, 4)", "rows 3 to 4 are missing"),
    "the first row": ("DELETE FROM audit WHERE seq = 1", "row 1 is missing"),
    "all rows": ("DELETE FROM audit", "the trail is empty"),
    "a row put in": (
        "INSERT INTO audit SELECT 9, at, kind, station, run_id, who, who_by, uid, claimed, why, message, details, "
        "previous_hash, hash FROM audit WHERE seq = 7",
        "row 8 is missing",
    ),
    "the last rows, deeds and all": ("DELETE FROM audit WHERE seq >= 5", "run 1 was ended, and no row"),
    "the table": ("DROP TABLE audit", "its table was removed"),
    "the settings of a run": ("UPDATE run SET settings = '{}'", "run 1: its settings are not those"),
    "the weights of a run": ("UPDATE run SET weights_sha256 = 'ff'", "run 1: its weights_sha256 is not"),
    "the model card of a run": ("UPDATE run SET model_card = '{\"a\":1}'", "run 1: its model_card is not"),
    "the detection limit": ("UPDATE run SET detection_limit_px = 99", "run 1: its detection_limit_px is not"),
    "the time zero": ("UPDATE run SET zero_s = 1.5", "run 1: its time zero (zero_s) is not"),
    "the end of a run": (
        "UPDATE run SET ended_at = (SELECT at FROM audit WHERE seq = 1)",
        "run 1: its ended_at is not the one that it was ended with (row 7)",
    ),
    "no end of a run": ("UPDATE run SET ended_at = NULL", "run 1: its ended_at is not"),
    "an acknowledgement of another event": (
        "UPDATE event SET acknowledged_at = at WHERE event_id = 1",
        "event 1 of run 1 was acknowledged, and no row",
    ),
    "an acknowledgement taken back": (
        "UPDATE event SET acknowledged_at = NULL",
        "event 2 of run 1 is no longer acknowledged as row 5 tells",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_found_in_sqlite(tmp_path: Path, forgery: str) -> None:
    check_that_it_is_found(f"sqlite:///{tmp_path}/trails.sqlite", forgery)


@pytest.mark.parametrize(
    "forgery",
    [
        "a changed name",
        "removed rows",
        "all rows",
        "the settings of a run",
        "the detection limit",
        "the time zero",
        "the end of a run",
        "an acknowledgement of another event",
    ],
)
def test_a_forgery_is_found_in_postgresql(new_postgresql: str, forgery: str) -> None:
    check_that_it_is_found(new_postgresql, forgery)


def check_that_it_is_found(database: str, forgery: str) -> None:
    store = open_store(database)
    some_deeds(store)
    store.close()
    assert faults(database) == [], "the control"
    sql, told = FORGERIES[forgery]
    restored = () if locate(database).path is None else _triggers_again()
    extra = ("DROP VIEW audit_log",) if "DROP TABLE" in sql else ()
    tamper(database, *without_triggers(database), *extra, sql)
    if "DROP TABLE" not in sql:
        tamper(database, *(restored or ("ALTER TABLE audit ENABLE TRIGGER ALL",)))
    found = faults(database)
    assert any(told in message for message in found), found
    assert not any("trigger" in message for message in found), "the forger has put the triggers back"


def _triggers_again() -> tuple[str, ...]:
    from monitor.store.audit_table import SQLITE_TRIGGERS

    return tuple(SQLITE_TRIGGERS.values())


def test_rows_cut_off_at_the_end_show_against_a_hash_that_was_kept(
    store: SqlTrailStore, database: str
) -> None:
    store.enter(AuditEntry(AuditKind.SERVICE_STARTED, "service started"))
    early = verify_audit(database).head
    store.enter(AuditEntry(AuditKind.SERVICE_STOPPED, "service stopped"))
    late = verify_audit(database).head
    store.close()
    assert faults(database, early, late) == [], "the control"
    tamper(database, *without_triggers(database), "DELETE FROM audit WHERE seq = 3")
    tamper(
        database, *(_triggers_again() if locate(database).path else ("ALTER TABLE audit ENABLE TRIGGER ALL",))
    )
    assert faults(database) == [], "nothing in the trail itself can tell"
    assert faults(database, early) == [], "and what was there before is still there"
    assert faults(database, late) == [
        f"no row has the hash {late} that was expected: rows were cut off at the end, or written anew"
    ]


def test_a_trail_written_anew_shows_against_a_hash_that_was_kept(store: SqlTrailStore, database: str) -> None:
    kept = verify_audit(database).head
    store.close()
    of_postgresql = "DROP FUNCTION audit_append_only, audit_in_order"
    tamper(
        database,
        "DROP VIEW audit_log",
        "DROP TABLE audit",
        *(() if locate(database).path is not None else (of_postgresql,)),
        "DELETE FROM migration WHERE name IN ('m0003_audit', 'views')",
    )
    open_store(database).close()
    assert faults(database) == [], "a new trail is whole in itself"
    assert len(faults(database, kept)) == 1


SABOTAGE = {
    ("removed", True): ("DROP TRIGGER audit_no_delete",),
    ("removed", False): ("DROP TRIGGER audit_no_change ON audit",),
    ("changed", True): (
        "DROP TRIGGER audit_no_update",
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT 1; END",
    ),
    ("changed", False): (
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql "
        "AS $$BEGIN RETURN NULL; END$$",
    ),
}


@pytest.mark.parametrize("how", ["removed", "changed"])
def test_a_trigger_that_was_tampered_with_is_told(store: SqlTrailStore, database: str, how: str) -> None:
    store.close()
    assert faults(database) == [], "the control"
    tamper(database, *SABOTAGE[how, locate(database).path is not None])
    (found,) = faults(database)
    assert how in found


def test_a_trigger_that_is_switched_off_is_told_by_postgresql(new_postgresql: str) -> None:
    open_store(new_postgresql).close()
    tamper(new_postgresql, "ALTER TABLE audit DISABLE TRIGGER audit_no_change")
    assert faults(new_postgresql) == [
        "the trigger audit_no_change was changed or switched off: rows could be changed since"
    ]


def test_an_emptied_trail_goes_on_and_says_so(store: SqlTrailStore, database: str) -> None:
    tamper(database, *without_triggers(database), "DELETE FROM audit")
    store.enter(AuditEntry(AuditKind.BACKED_UP, "copied"))
    assert kinds(database) == ["trail_emptied", "backed_up"]
    assert any("comes first and is not the beginning" in message for message in faults(database))


def test_a_deleted_run_needs_a_row_that_tells_so(store: SqlTrailStore, database: str) -> None:
    run = store.start_run(made.run_start())
    store.record(run, RunEnded(made.at(4), "enough"))
    tamper(database, "DELETE FROM event", "DELETE FROM run")
    (found,) = faults(database)
    assert "is gone" in found
    store.enter(AuditEntry(AuditKind.DATA_DELETED, "run 1 deleted", ANNA, run.run_id))
    assert faults(database) == []


def test_that_a_run_was_thinned_excuses_no_removal(store: SqlTrailStore, database: str) -> None:
    run = store.start_run(made.run_start())
    store.record(run, RunEnded(made.at(4), "enough"))
    assert list(store.tidy(RetentionSettings(full_points_days=0), made.at(86_400)))
    assert faults(database) == []
    tamper(database, "DELETE FROM event", "DELETE FROM run")
    (found,) = faults(database)
    assert "is gone" in found


def test_a_database_of_before_begins_its_trail_where_it_is(database: str, store: SqlTrailStore) -> None:
    run = store.start_run(made.run_start())
    store.append(run, made.result(0))
    run = store.record(run, TimeZeroSet(made.at(1)))
    store.record(run, RunEvent(made.at(2), Event(EventKind.ALERT_RAISED, "too hot")))
    (raised,) = run_query(database, "SELECT event_id FROM event_log WHERE kind = 'alert_raised'").column(
        "event_id"
    )
    store.record(run, EventAcknowledged(made.at(3), int(str(raised))))
    store.record(run, RunEnded(made.at(4), "enough"))
    store.close()
    drop = [
        "DROP VIEW audit_log",
        "DROP TABLE audit",
        "DELETE FROM migration WHERE name IN ('m0003_audit', 'views')",
    ]
    if locate(database).path is None:
        drop.insert(2, "DROP FUNCTION audit_append_only, audit_in_order")
    tamper(database, *drop)
    again = open_store(database)
    try:
        assert kinds(database) == ["trail_begun"]
        assert faults(database) == [], "runs from before the trail need no row"
        again.start_run(made.run_start("the next"))
        assert kinds(database) == ["trail_begun", "run_started"]
        assert faults(database) == []
    finally:
        again.close()
