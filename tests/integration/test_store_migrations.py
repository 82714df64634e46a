"""A database of the first release opens with the present code: `store_schema_1.sql` is never made anew.

Where this fails after a table was changed, add a migration (see `monitor/store/migrations.py`).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, inspect

from monitor.errors import QueryError
from monitor.store import TrailReader, migrations, open_store, run_query
from monitor.store.location import locate
from monitor.store.tables import METADATA
from monitor.version import __version__
from tests import trail_results as made

FIRST_RELEASE = Path(__file__).with_name("store_schema_1.sql")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    database = tmp_path / "old.sqlite"
    connection = sqlite3.connect(database)
    connection.executescript(FIRST_RELEASE.read_text(encoding="utf-8"))
    connection.close()
    return database


@pytest.fixture
def opened(old: Path) -> Path:
    open_store(str(old)).close()
    return old


def test_every_table_has_the_present_columns(opened: Path) -> None:
    engine = create_engine(locate(str(opened)).url)
    with engine.connect() as connection:
        found = {
            table: {column["name"] for column in inspect(connection).get_columns(table)}
            for table in METADATA.tables
        }
    engine.dispose()
    assert found == {name: set(table.columns.keys()) for name, table in METADATA.tables.items()}


def test_a_run_of_the_first_release_goes_on(old: Path) -> None:
    store = open_store(str(old))
    run = store.resume_run()
    assert run is not None
    assert run.start.name == "first release"
    assert store.load_field(run, "main").next_crystal_id == 3
    assert not store.append(run, made.growing(3, 2))
    assert store.append(run, made.growing(4, 2))
    store.close()
    with TrailReader(str(old)) as reader:
        assert reader.view("growth_history", crystal_id=1).column("area_px") == (111.0, 121.0, 131.0, 141.0)


def test_tables_are_strict_and_foreign_keys_hold(opened: Path) -> None:
    connection = sqlite3.connect(opened)
    tables = {row[1]: row[5] for row in connection.execute("PRAGMA table_list") if row[2] == "table"}
    assert {name: tables[name] for name in METADATA.tables} == dict.fromkeys(METADATA.tables, 1)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_a_migration_that_fails_leaves_nothing_and_runs_at_the_next_start(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def m0002_breaks(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half_done (a INTEGER) STRICT")
        connection.exec_driver_sql("CREATE TABLE half_done (a INTEGER) STRICT")

    def m0002_works(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half_done (a INTEGER) STRICT")

    def tables() -> set[str]:
        connection = sqlite3.connect(old)
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        ran = {row[0] for row in connection.execute("SELECT name FROM migration")}
        connection.close()
        return names | ran

    m0002_works.__name__ = m0002_breaks.__name__ = "m0002_half_done"
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, m0002_breaks))
    with pytest.raises(Exception, match="already exists"):
        open_store(str(old))
    assert not {"half_done", "m0002_half_done"} & tables()
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS[:-1], m0002_works))
    open_store(str(old)).close()
    assert {"half_done", "m0002_half_done"} <= tables()


def test_a_database_of_another_version_is_told_where_a_question_fails_for_it(old: Path) -> None:
    def refusal(question: str) -> str:
        with pytest.raises(QueryError) as refused:
            run_query(str(old), question)
        return str(refused.value)

    assert run_query(str(old), "SELECT run_id FROM run_summary").rows == ((1,),), (
        "the control: it can be read"
    )
    for lacking in ("SELECT frames_thinned FROM run_summary", "SELECT * FROM audit_log"):
        told = refusal(lacking)
        assert (
            "of an earlier version of Crystal Monitor: version 0.1 wrote it (it lacks the migration m0002"
            in told
        )
        assert (
            f"this is {__version__}; the daemon of this version brings it up to date at its next start"
            in told
        )
    with TrailReader(str(old)) as reader, pytest.raises(QueryError, match=r"version 0\.1 wrote it"):
        reader.stations()
    open_store(str(old)).close()
    assert len(run_query(str(old), "SELECT frames_thinned FROM run_summary")) == 1, "the advice works"
    assert "the views are run_summary" in refusal("SELECT frames_thimed FROM run_summary")
    connection = sqlite3.connect(old)
    with connection:
        connection.execute("INSERT INTO migration (name) VALUES ('m9999_tomorrow')")
    connection.close()
    assert "newer than this version" in refusal("SELECT frames_thimed FROM run_summary")
