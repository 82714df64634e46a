"""What somebody may ask who means ill: refused, or given up in bounded time and memory, and nothing is changed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor.errors import QueryError
from monitor.store import open_store, run_query
from tests import trail_results as made
from tests.postgresql_server import fresh_database

PROJECT = Path(__file__).resolve().parents[2]
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"

WRITING = {
    "attach": "ATTACH DATABASE '{folder}/other.sqlite' AS other",
    "attach in memory": "ATTACH ':memory:' AS other",
    "detach": "DETACH main",
    "vacuum into": "VACUUM INTO '{folder}/copy.sqlite'",
    "vacuum": "VACUUM",
    "writable_schema": "PRAGMA writable_schema = ON",
    "query_only": "PRAGMA query_only = OFF",
    "journal": "PRAGMA journal_mode = DELETE",
    "synchronous": "PRAGMA synchronous = OFF",
    "user_version": "PRAGMA user_version = 7",
    "checkpoint": "PRAGMA wal_checkpoint(TRUNCATE)",
    "optimize": "PRAGMA optimize",
    "trusted_schema": "PRAGMA trusted_schema = ON",
    "temp_store": "PRAGMA temp_store_directory = '{folder}'",
    "heap": "PRAGMA hard_heap_limit = 1",
    "mmap": "PRAGMA mmap_size = 1099511627776",
    "a pragma as a table": "SELECT * FROM pragma_journal_mode('delete')",
    "checkpoint as a table": "SELECT * FROM pragma_wal_checkpoint('TRUNCATE')",
    "schema": "UPDATE sqlite_master SET sql = ''",
    "temporary table": "CREATE TEMP TABLE mine (a)",
    "temporary view": "CREATE TEMP VIEW mine AS SELECT 1",
    "temporary trigger": "CREATE TEMP TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM run; END",
    "virtual table": "CREATE VIRTUAL TABLE mine USING fts5(a)",
    "index": "CREATE INDEX mine ON run (name)",
    "reindex": "REINDEX",
    "analyze": "ANALYZE",
    "rename": "ALTER TABLE run RENAME TO ran",
    "insert": "INSERT INTO migration (name) VALUES ('x')",
    "insert with a common table": "WITH a AS (SELECT 'x') INSERT INTO migration (name) SELECT * FROM a",
    "returning": "DELETE FROM run RETURNING run_id",
    "replace": "REPLACE INTO migration (name) VALUES ('x')",
    "the audit trail": "DELETE FROM audit",
    "begin": "BEGIN IMMEDIATE",
    "savepoint": "SAVEPOINT s",
    "an extension": "SELECT load_extension('{folder}/evil.so')",
    "a tokenizer": "SELECT fts3_tokenizer('simple', x'4141414141414141')",
    "read a file": "SELECT readfile('/etc/passwd')",
    "write a file": "SELECT writefile('{folder}/x', 'x')",
    "an editor": "SELECT edit('x', 'touch {folder}/x')",
    "two statements": "SELECT 1; DELETE FROM run",
    "two statements behind a comment": "SELECT 1 /* ; */ ; -- \n DELETE FROM run",
    "explain and write": "EXPLAIN SELECT 1; DELETE FROM run",
}

COSTLY = {
    "counting for ever": f"{NUMBERS} SELECT COUNT(*) FROM n",
    "rows for ever": f"{NUMBERS} SELECT i FROM n",
    "a product": "SELECT COUNT(*) FROM point a, point b, point c, point d, point e, point f, point g, point h",
    "a huge blob": "SELECT zeroblob(2000000000)",
    "random bytes": "SELECT randomblob(2000000000)",
    "a wide format": "SELECT printf('%1000000000d', 1)",
    "a long aggregate": f"{NUMBERS} SELECT group_concat(hex(zeroblob(1000))) FROM n",
    "a growing text": "WITH RECURSIVE t(x) AS (SELECT 'aaaa' UNION ALL SELECT x || x FROM t) SELECT MAX(x) FROM t",
    "many large rows": f"{NUMBERS} SELECT hex(zeroblob(130000)) FROM n",
    "wide large rows": f"{NUMBERS} SELECT {', '.join(['hex(zeroblob(130000))'] * 150)} FROM n",
    "a sort of large rows": f"{NUMBERS} SELECT hex(randomblob(10000)) AS x FROM n ORDER BY x",
    "instr": "SELECT instr(hex(zeroblob(4000000)), hex(zeroblob(2000000)) || '1')",
    "instr at the limit": "SELECT instr(hex(zeroblob(131000)), hex(zeroblob(65000)) || '1')",
    "replace at the limit": "SELECT length(replace(hex(zeroblob(131000)), hex(zeroblob(65000)) || '1', 'x'))",
    "like": "SELECT hex(zeroblob(131000)) LIKE '" + "%0_" * 60 + "1'",
    "a long like": "SELECT 'a' LIKE '" + "%a" * 5000 + "'",
    "glob": "SELECT hex(zeroblob(131000)) GLOB '" + "*[0-9]?" * 25 + "1'",
    "a deep expression": "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "a deep sum": "SELECT " + "+".join(["1"] * 5000),
    "deep subqueries": "SELECT * FROM " + "(SELECT * FROM " * 300 + "run" + ")" * 300,
    "many compounds": " UNION ALL ".join(["SELECT 1"] * 2000),
    "many columns": "SELECT " + ", ".join(["1"] * 2000),
    "many joins": "SELECT COUNT(*) FROM " + ", ".join(f"run r{number}" for number in range(64)),
    "a long question": "SELECT 1 -- " + "x" * 1_000_000,
    "json": "SELECT json('" + "[" * 20000 + "]" * 20000 + "')",
    "windows": f"{NUMBERS} SELECT SUM(i) OVER (ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING) FROM n",
}  # fmt: skip

ASK = """
import json, os, resource, sys, time
from monitor.errors import QueryError
from monitor.store import run_query
run_query(sys.argv[1], "SELECT 1")
for attack, sql in json.load(sys.stdin).items():
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.monotonic()
    try:
        answer = f"{len(run_query(sys.argv[1], sql, timeout_s=1.0).rows)} rows"
    except QueryError as refusal:
        answer = f"refused: {str(refusal)[:200]}"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    told = dict(attack=attack, seconds=time.monotonic() - begun, grown_mb=grown / 1024, answer=answer)
    print(json.dumps(told), flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "trails.sqlite"
    store = open_store(str(path))
    run = store.start_run(made.run_start())
    for index in range(20):
        store.append(run, made.growing(index, 10))
    store.close()
    return path


@pytest.mark.parametrize("attack", WRITING)
def test_what_would_write_or_reach_outside_is_refused(database: Path, tmp_path: Path, attack: str) -> None:
    before = database.read_bytes()
    with pytest.raises(QueryError):
        run_query(str(database), WRITING[attack].format(folder=tmp_path), timeout_s=5)
    assert database.read_bytes() == before
    assert list(tmp_path.iterdir()) == []
    assert {path.name for path in database.parent.iterdir()} == {database.name, f"{database.name}.lock"}


@pytest.mark.timeout(300)
def test_what_would_cost_too_much_is_given_up(database: Path) -> None:
    # Each in a process of its own, so that its memory can be measured, and so that a hang ends.
    asked = subprocess.run(
        [sys.executable, "-c", ASK, str(database)],
        input=json.dumps(COSTLY),
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    told = {one["attack"]: one for one in map(json.loads, asked.stdout.splitlines())}
    assert told.keys() == COSTLY.keys(), asked.stderr
    # A second was allowed; one function may overshoot, and the machine may be busy.
    assert [one for one in told.values() if one["seconds"] > 20] == []
    assert [one for one in told.values() if one["grown_mb"] > 600] == []
    refused = [one["attack"] for one in told.values() if one["answer"].startswith("refused")]
    assert len(refused) >= 18, told


def test_an_honest_question_is_answered_all_the_same(database: Path) -> None:
    for view in (
        "run_summary",
        "frame_log",
        "growth_history",
        "trail_summary",
        "csd",
        "event_log",
        "audit_log",
    ):
        assert run_query(str(database), f"SELECT * FROM {view}").rows, view
    wide = run_query(
        str(database),
        "SELECT g.*, t.*, r.* FROM growth_history g JOIN trail_summary t USING (run_id, crystal_id) "
        "JOIN run_summary r USING (run_id) ORDER BY g.elapsed_s",
    )
    assert len(wide.rows) == 190
    assert run_query(str(database), "SELECT settings, model_card FROM run").rows


def test_the_control_a_plain_connection_would_obey(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "here.sqlite"
    copy.write_bytes(database.read_bytes())
    connection = sqlite3.connect(copy, isolation_level=None)
    obeyed = 0
    for attack in ("user_version", "temporary table", "insert", "index", "rename", "vacuum into", "attach"):
        connection.execute(WRITING[attack].format(folder=tmp_path))
        obeyed += 1
    connection.close()
    assert obeyed == 7


@pytest.fixture(scope="module")
def stored(server: str) -> str:
    url = fresh_database(server, "hostile")
    store = open_store(url)
    run = store.start_run(made.run_start())
    for index in range(5):
        store.append(run, made.growing(index, 10))
    store.close()
    return url


class TestPostgresql:
    def test_what_would_write_is_refused(self, stored: str) -> None:
        for sql in (
            "DELETE FROM run",
            "WITH gone AS (DELETE FROM run RETURNING *) SELECT * FROM gone",
            "SELECT query_to_xml('DELETE FROM run', true, true, '')",
            "SELECT set_config('transaction_read_only', 'off', false)",
            "SELECT nextval('run_run_id_seq')",
            "SELECT * FROM run FOR UPDATE",
            "COPY run TO PROGRAM 'cat'",
            "SET default_transaction_read_only = off",
            "COMMIT",
            "SELECT 1; DELETE FROM run",
        ):
            with pytest.raises(QueryError):
                run_query(stored, sql, timeout_s=5)
        run_query(
            stored, "SELECT lo_create(0)"
        )  # older servers call that reading; it is rolled back like all else
        assert run_query(stored, "SELECT COUNT(*) FROM pg_largeobject_metadata").rows == ((0,),)
        assert run_query(stored, "SELECT COUNT(*) FROM run").rows == ((1,),)

    def test_what_would_cost_too_much_is_given_up(self, stored: str) -> None:
        for sql in (
            "SELECT pg_sleep(600)",
            "SELECT COUNT(*) FROM generate_series(1, 1000000000000)",
            "SELECT set_config('statement_timeout', '0', false), pg_sleep(600)",
            "SELECT repeat('x', 1000000) FROM generate_series(1, 100000)",
            "SELECT i FROM generate_series(1, 1000000) AS i",
        ):
            begun = time.monotonic()
            with pytest.raises(QueryError):
                run_query(stored, sql, timeout_s=1)
            assert time.monotonic() - begun < 20, sql

    def test_the_readers_role_of_the_sample_reads_and_no_more(self, stored: str) -> None:
        import psycopg

        sample = (PROJECT / "deploy" / "postgresql" / "reader.sql").read_text(encoding="utf-8")
        with psycopg.connect(stored, autocommit=True) as owner:
            owner.execute(sample.encode())
        url = stored.replace("tester@", "crystal_reader@")
        assert run_query(url, "SELECT COUNT(*) FROM growth_history").rows[0][0] == 40
        with psycopg.connect(url, autocommit=True) as reader:
            assert reader.execute("SELECT COUNT(*) FROM audit_log").fetchone() is not None
            assert reader.execute("SHOW statement_timeout").fetchone() == ("30s",)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                reader.execute("DELETE FROM run")
            reader.execute("SET default_transaction_read_only = off")
            for sql in (
                "DELETE FROM run",
                "UPDATE audit SET who = 'x'",
                "CREATE TABLE mine (a integer)",
                "DROP VIEW csd",
                "SELECT pg_read_file('/etc/passwd')",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tester'",
            ):
                # The other session is there for the last one.
                with psycopg.connect(stored), pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute(sql.encode())
