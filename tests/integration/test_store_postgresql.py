"""PostgreSQL goes away while the daemon writes: one failure, then it goes on, still the only writer."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from monitor.errors import StoreError, StoreUnusableError
from monitor.store import TrailReader, locate, open_store
from monitor.store.views import VIEWS
from monitor.store.writing_connection import WritingConnection
from tests import trail_results as made
from tests.postgresql_server import fresh_database, throwaway_server


@pytest.fixture
def database() -> Iterator[str]:
    with throwaway_server() as server:
        yield fresh_database(server, "trails")


def test_a_connection_that_is_cut_is_made_again_with_its_lock(database: str) -> None:
    import psycopg

    store = open_store(database)
    run = store.start_run(made.run_start())
    for index in range(3):
        store.append(run, made.growing(index, 2))
    with psycopg.connect(database, autocommit=True) as other:
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'trails'"
        cut = other.execute(f"SELECT pg_terminate_backend(pid) {others}")
        assert len(cut.fetchall()) == 1, "the control: the writer was connected"
    with pytest.raises(StoreError, match="check that the PostgreSQL server runs"):
        store.append(run, made.growing(3, 2))
    assert store.append(run, made.growing(3, 2))
    with pytest.raises(StoreUnusableError, match="already written by another process"):
        open_store(database)
    store.close()
    with TrailReader(database) as reader:
        assert reader.view("frame_log").column("frame_index") == (0, 1, 2, 3)


def test_a_start_waits_for_a_server_that_is_slow_to_see_that_the_last_writer_is_gone(database: str) -> None:
    store = open_store(database)
    run = store.start_run(made.run_start())
    import psycopg

    with psycopg.connect(database, autocommit=True) as other:
        backend = "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'trails'"
        ((pid,),) = other.execute(backend).fetchall()
        os.kill(pid, signal.SIGSTOP)
        try:
            store.close()
            held = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = %s"
            assert other.execute(held, (pid,)).fetchall() == [(1,)], (
                "the control: the lock outlives its writer"
            )
            waking = threading.Timer(0.3, os.kill, (pid, signal.SIGCONT))
            waking.start()
            again = open_store(database)
            waking.join()
        finally:
            with suppress(ProcessLookupError):  # it woke, and ended
                os.kill(pid, signal.SIGCONT)
    assert again.resume_run() == run
    again.close()


def test_a_second_writer_waits_in_the_server_and_is_refused(database: str) -> None:
    import psycopg

    store = open_store(database)
    refused: list[str] = []

    def second() -> None:
        try:
            open_store(database).close()
        except StoreUnusableError as error:
            refused.append(str(error))

    waiting = (
        "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory'"
    )
    with psycopg.connect(database, autocommit=True) as other:
        assert other.execute(waiting).fetchall() == [(0,)], "the control"
        thread = threading.Thread(target=second)
        thread.start()
        seen = False
        while thread.is_alive():
            seen = seen or other.execute(waiting).fetchall() == [(1,)]
            time.sleep(0.02)
    assert seen
    (message,) = refused
    assert "already written by another process" in message
    store.close()


def test_the_server_lets_go_soon_of_a_station_that_is_gone(database: str) -> None:
    writing = WritingConnection(locate(f"{database}&options=-c%20work_mem%3D5MB"), "FULL", "plate-7")
    asked = (
        "SELECT name, reset_val FROM pg_settings WHERE source = 'client' AND (name LIKE 'tcp%%' OR name LIKE 'idle%%' "
        "OR name = 'work_mem')"
    )
    told = {str(name): str(value) for name, value in writing.get().exec_driver_sql(asked)}
    writing.close()
    assert told == {
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "30000",
        "idle_in_transaction_session_timeout": "60000",
        "work_mem": "5120",
    }


def test_points_of_before_let_go_of_their_trails(database: str) -> None:
    """Each trail that is deleted would look through all points of all runs."""
    import psycopg

    store = open_store(database)
    run = store.start_run(made.run_start())
    store.append(run, made.growing(0, 2))
    store.close()
    asked = "SELECT conname FROM pg_constraint WHERE conrelid = 'point'::regclass AND confrelid = 'trail'::regclass"
    with psycopg.connect(database, autocommit=True) as connection:
        assert connection.execute(asked).fetchall() == [], "a new database has none"
        connection.execute(
            "ALTER TABLE point ADD FOREIGN KEY (field_id, crystal_id) REFERENCES trail (field_id, crystal_id)"
        )
        connection.execute("ALTER TABLE run DROP COLUMN points_to_remove")
        connection.execute("DELETE FROM migration WHERE name = 'm0006_removal'")
        assert len(connection.execute(asked).fetchall()) == 1, "the control"
        store = open_store(database)
        assert connection.execute(asked).fetchall() == []
        of_frames = asked.replace("'trail'", "'frame'")
        assert len(connection.execute(of_frames).fetchall()) == 1, "the other reference stays"
    assert store.append(run, made.growing(1, 2))
    store.close()


def test_a_database_of_before_stations_is_brought_forward(database: str) -> None:
    import psycopg

    store = open_store(database)
    run = store.start_run(made.run_start(settings_json='{"name": "plate-7"}'))
    store.close()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP VIEW " + ", ".join(VIEWS))
        connection.execute("ALTER TABLE run DROP COLUMN station")
        connection.execute("ALTER TABLE trail DROP COLUMN points_until_s")
        connection.execute("DELETE FROM migration WHERE name IN ('m0004_stations', 'views')")
    store = open_store(database, station="plate-7")
    assert store.resume_run() == run
    assert store.append(run, made.growing(0, 2))
    store.close()
    with TrailReader(database) as reader:
        assert reader.stations() == ("plate-7",)
