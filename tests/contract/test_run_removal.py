"""A run removed, asked of SQLite and of PostgreSQL: in slices, whatever else is stored, and never before its alerts."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections import Counter
from itertools import islice

import pytest

from monitor.clock import Instant
from monitor.errors import StoreError
from monitor.records import Alert, AlertKind
from monitor.records.delivery import DeliveryAttempt, Subscription
from monitor.records.run import Run, RunEnded
from monitor.records.vocabulary import DeliveryState
from monitor.settings.retention import RetentionSettings
from monitor.store import Flood, SqlTrailStore, Tidied, TrailReader, open_store, run_removal, tidying
from tests import trail_results as made
from tests.contract.stored_rows import only, rows

REMOVE = RetentionSettings(runs_days=0)
LATER = made.at(86_400.0)
TRAILS = 60
FRAMES = 8


class Later:
    """A clock at that moment."""

    def now(self) -> Instant:
        return LATER

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


def fill(store: SqlTrailStore, name: str = "salt", frames: int = FRAMES, *, alerts: int = 0) -> Run:
    run = store.start_run(made.run_start(name))
    for index in range(frames):
        told = tuple(Alert(f"rule {n}", AlertKind.COUNT, True, "many", 7.0, 5.0) for n in range(alerts))
        store.append(run, dataclasses.replace(made.growing(index, TRAILS), alerts=told))
    store.record(run, RunEnded(made.at(frames)))
    return run


def file_of(store: SqlTrailStore) -> sqlite3.Connection | None:
    """The writer's own connection; None in PostgreSQL."""
    raw = store._writing.get().connection.driver_connection
    return raw if isinstance(raw, sqlite3.Connection) else None


def points_read(store: SqlTrailStore) -> int:
    """How often PostgreSQL looked for points: a reference that is checked is a look for each trail."""
    with store._writing.get().begin() as transaction:
        connection = transaction.connection
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with store._writing.get().begin() as transaction:
        asked = "SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE relname = 'point'"
        return int(transaction.connection.exec_driver_sql(asked).scalar_one())


def test_no_slice_reads_the_points_of_other_runs(store: SqlTrailStore) -> None:
    old = fill(store)
    other = store.start_run(made.run_start("other"))
    for index in range(100):
        store.append(other, made.growing(index, TRAILS))
    raw = file_of(store)
    if raw is None:
        before = points_read(store)
        assert [step.run_id for step in store.tidy(REMOVE, LATER) if step is not None] == [old.run_id]
        assert points_read(store) - before < TRAILS, "a look for each frame or two, none for each trail"
        return
    work = Counter[int]()
    slices = 0
    raw.set_progress_handler(lambda: work.update([slices]), 1_000)
    for _ in store.tidy(REMOVE, LATER):
        slices += 1
    raw.set_progress_handler(None, 0)
    assert slices > 3
    # A look at each of the other run's 6 000 points for each of 60 trails would be a million steps and more.
    assert max(work.values(), default=0) < 300, "thousands of the database's own steps in one slice"
    assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    assert raw.execute("SELECT COUNT(*) FROM point").fetchone() == (99 * TRAILS,)


def test_sqlite_checks_references_again_after_a_slice_and_after_its_failure(store: SqlTrailStore) -> None:
    raw = file_of(store)
    if raw is None:
        pytest.skip("PostgreSQL has no reference that would have to be left unchecked")
    seen = list[int]()
    ask = "PRAGMA foreign_keys"
    store._in_transaction(
        lambda connection: seen.append(connection.exec_driver_sql(ask).scalar_one()),
        "x",
        check_references=False,
    )
    assert seen == [0], "the control: unchecked within"
    assert raw.execute(ask).fetchone() == (1,)
    with pytest.raises(StoreError):
        store._in_transaction(
            lambda connection: connection.exec_driver_sql("DELETE FROM nothing"), "x", check_references=False
        )
    assert raw.execute(ask).fetchone() == (1,)
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store._in_transaction(
            lambda connection: connection.exec_driver_sql(
                "INSERT INTO field_state VALUES (77, '', '', '', x'')"
            ),
            "x",
        )


def test_nothing_is_sorted_and_no_table_read_whole(store: SqlTrailStore) -> None:
    raw = file_of(store)
    if raw is None:
        pytest.skip("PostgreSQL plans by how much there is")
    connection = raw

    def long_ways(sql: str) -> list[str]:
        wanted = dict.fromkeys(("run_id", "field_id", "event_id", "rows"), 1)
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", wanted)]
        assert plan
        return [step for step in plan if "TEMP B-TREE" in step or step.startswith("SCAN")]

    constants = ("_OLDEST", "_LOSSES", "_EVENTS", "_DELIVERIES", "_EVENT")
    asked = (*(getattr(run_removal, name) for name in constants), *run_removal._REST)
    assert [long_ways(sql) for sql in asked] == [[] for _ in asked]
    assert long_ways(run_removal._TRAILS) == ["SCAN point"], "the control: what would refer to the trail"
    raw.execute("PRAGMA foreign_keys = OFF")
    assert long_ways(run_removal._TRAILS) == []
    raw.execute("PRAGMA foreign_keys = ON")


def test_a_removal_that_is_interrupted_everywhere_ends_with_the_same_account(
    database: str, store: SqlTrailStore, reader: TrailReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "SLICE_ROWS", 25)
    old = fill(store, alerts=9)
    everything = sum(row["points"] for row in rows(reader, "trail_summary"))
    assert everything >= TRAILS * (FRAMES - 1), "the control"
    assert len(rows(reader, "event_log")) > 50, "the control"
    store.close()
    restarts = 0
    done = list[Tidied]()
    while not done and restarts < 100:
        restarts += 1
        again = open_store(database)
        done = [step for step in islice(again.tidy(REMOVE, LATER), 1) if step is not None]
        again.close()
    assert restarts > FRAMES + TRAILS / 25
    assert [(one.run_id, one.action, one.points_removed) for one in done] == [
        (old.run_id, "removed", everything)
    ]
    assert only(rows(reader, "tidying_log"))["points_removed"] == everything
    for view in ("run_summary", "frame_log", "trail_summary", "event_log", "delivery_log", "session_log"):
        assert rows(reader, view) == [], view


def test_a_run_waits_for_its_alerts(store: SqlTrailStore, reader: TrailReader) -> None:
    outbox, _ = store.open_outbox(Later(), "station", [Subscription("hook", summarise=False)], Flood(0, 60.0))
    told = fill(store, "told", 1, alerts=2)
    silent = fill(store, "silent")
    would = [step for step in store.tidy(REMOVE, LATER, dry_run=True) if step is not None]
    did = [step for step in store.tidy(REMOVE, LATER) if step is not None]
    assert did == would
    assert [(one.run_id, one.action, one.alerts_waiting) for one in did] == [
        (told.run_id, "waiting", 2),
        (silent.run_id, "removed", 0),
    ]
    assert did[0].points_removed == 0
    assert [row["state"] for row in rows(reader, "delivery_log")] == ["pending", "pending"]
    parcels = outbox.exchange(None, {"hook": []}, 9)["hook"]
    ends = (DeliveryState.SENT, DeliveryState.GIVEN_UP)
    outbox.stage(
        [DeliveryAttempt(parcel, end, LATER, 1, None, "") for parcel, end in zip(parcels, ends, strict=True)]
    )
    outbox.exchange(None, {"hook": []}, 9)
    (done,) = (step for step in store.tidy(REMOVE, LATER) if step is not None)
    assert (done.run_id, done.action) == (told.run_id, "removed")
    assert rows(reader, "delivery_log") == []
