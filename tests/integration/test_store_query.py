"""A user's own SQL: answered where it reads, refused where it writes, is too long or too big."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import QueryError
from monitor.store import open_store, run_query
from tests import trail_results as made
from tests.postgresql_server import fresh_database


def fill(database: str) -> None:
    store = open_store(database)
    run = store.start_run(made.run_start())
    for index in range(5):
        store.append(run, made.growing(index, 3))
    store.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        url = str(tmp_path_factory.mktemp("query") / "trails.sqlite")
    else:
        url = fresh_database(request.getfixturevalue("server"), "query")
    fill(url)
    return url


def test_a_question_is_answered(database: str) -> None:
    answer = run_query(
        database, "SELECT crystal_id, area_px AS px FROM growth_history WHERE frame_index = 2;"
    )
    assert answer.columns == ("crystal_id", "px")
    assert sorted(answer.rows) == [(1, 121.0), (2, 122.0), (3, 123.0)]
    times = run_query(database, "SELECT captured_at FROM frame_log ORDER BY 1 LIMIT 1")
    assert times.rows == (("2026-09-21T14:13:20.123456Z",),)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM run",
        "UPDATE run SET name = 'x'",
        "INSERT INTO migration (name) VALUES ('x')",
        "DROP VIEW csd",
        "CREATE TABLE mine (a INTEGER)",
        "PRAGMA query_only = OFF",
        "PRAGMA journal_mode = DELETE",
        "ATTACH DATABASE '/tmp/elsewhere.sqlite' AS other",
        "SELECT load_extension('x')",
        "VACUUM",
        "COMMIT",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SET TRANSACTION READ WRITE",
        "SELECT 1; DROP TABLE point",
        "SELECT 1; COMMIT; DROP TABLE point",
        "WITH gone AS (DELETE FROM point RETURNING 1) SELECT * FROM gone",
        "SELECT set_config('transaction_read_only', 'off', false) FROM (DELETE FROM run RETURNING 1) AS a",
        "SELECT nothing FROM nowhere",
        "",
    ],
)
def test_all_else_is_refused_and_changes_nothing(database: str, sql: str) -> None:
    count = "SELECT (SELECT COUNT(*) FROM point) + (SELECT COUNT(*) FROM frame), (SELECT MAX(name) FROM run)"
    before = run_query(database, count).rows
    assert before == ((17, "salt"),)
    with pytest.raises(QueryError):
        run_query(database, sql)
    assert run_query(database, count).rows == before


ENDLESS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n WHERE i < 0
"""


def test_who_asks_a_view_that_there_is_not_is_told_which_there_are(database: str) -> None:
    with pytest.raises(
        QueryError, match=r"run_summary, frame_log, .*; SELECT \* FROM frame_log LIMIT 1 shows"
    ):
        run_query(database, "SELECT * FROM frame_logs")


def test_an_endless_question_is_given_up(database: str) -> None:
    with pytest.raises(QueryError, match=r"no answer within 0.5 s"):
        run_query(database, ENDLESS, timeout_s=0.5)


def test_too_many_rows_are_an_error_rather_than_cut(database: str) -> None:
    assert len(run_query(database, "SELECT * FROM growth_history", max_rows=12)) == 12
    with pytest.raises(QueryError, match="more than 11 rows"):
        run_query(database, "SELECT * FROM growth_history", max_rows=11)


def test_a_question_is_answered_while_a_writer_has_a_transaction_open(tmp_path: Path) -> None:
    database = str(tmp_path / "trails.sqlite")
    store = open_store(database)
    run = store.start_run(made.run_start())
    store.append(run, made.growing(1, 2))
    with store._writing.get().begin():
        assert run_query(database, "SELECT COUNT(*) FROM frame_log").rows == ((1,),)
    store.append(run, made.growing(2, 2))
    store.close()
