"""A run of hundreds of thousands of points is read and exported in little memory, and what is left out is said."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.export import VIEWS
from monitor.store import ColumnKind, TrailReader, column_kind, open_store
from tests import trail_results as made

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
CRYSTALS = 30
FRAMES = 10
COPIES = 7_000
POINTS = CRYSTALS * (FRAMES - 1 + COPIES)
MOST_MORE_BYTES = 40 * 2**20
"""A few batches; all of the points would be some 600 MB as Python's values."""

MULTIPLY = f"""
WITH RECURSIVE copy(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copy WHERE k < {COPIES})
"""

CALL = """
import resource, sys
from monitor.cli import main
sys.argv = ["crystal-monitor", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)
"""


def column_names(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A short run, and the same with its last frame many times over, one second apart."""
    folder = tmp_path_factory.mktemp("long")
    paths = folder / "short.sqlite", folder / "long.sqlite"
    for path in paths:
        store = open_store(f"sqlite:///{path}", "NORMAL")
        run = store.start_run(made.run_start())
        for index in range(FRAMES):
            store.append(run, made.growing(index, CRYSTALS))
        store.close()
    connection = sqlite3.connect(paths[1])
    last_id, last_index = connection.execute("SELECT MAX(frame_id), MAX(frame_index) FROM frame").fetchone()
    changed = {
        "frame": {
            "frame_id": f"{last_id} + k",
            "frame_index": f"{last_index} + k",
            "elapsed_s": "elapsed_s + k",
        },
        "point": {"frame_id": f"{last_id} + k"},
        "event": {"event_id": "1000 + k", "elapsed_s": "elapsed_s + k"},
    }
    only = {"frame": f"frame_id = {last_id}", "point": f"frame_id = {last_id}", "event": "event_id = 1"}
    for table, values in changed.items():
        names = column_names(connection, table)
        sources = ", ".join(values.get(name, name) for name in names)
        rows = f"SELECT {sources} FROM {table}, copy WHERE {only[table]}"
        connection.execute(f"INSERT INTO {table} ({', '.join(names)}) {MULTIPLY} {rows}")
    connection.commit()
    connection.close()
    return paths


def call(database: Path, *arguments: object) -> tuple[str, list[str], int]:
    """What the command said, what it said besides, and the most memory it had, bytes."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, *map(str, arguments), "--database", f"sqlite:///{database}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert done.returncode == 0, done.stderr
    *said, memory = done.stderr.splitlines()
    return done.stdout, said, int(memory)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_export_takes_no_more_memory_for_a_longer_run(
    kind: str, databases: tuple[Path, Path], tmp_path: Path
) -> None:
    short, long = databases
    _, _, before = call(short, "export", "last", "--format", kind, "--out", tmp_path / "short")
    said, _, after = call(long, "export", "last", "--format", kind, "--out", tmp_path / "long")
    assert f"growth_history.{kind}: {POINTS} rows" in said, "the control: it was a long run"
    assert after - before < MOST_MORE_BYTES
    if kind == "csv":
        with (tmp_path / "long" / "growth_history.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == POINTS
        assert [float(row["elapsed_s"]) for row in rows[:3]] == [1.0, 2.0, 3.0]
        return
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(tmp_path / "long" / "growth_history.parquet")
    assert table.num_rows == POINTS
    assert str(table.schema.field("crystal_id").type) == "int64"
    assert str(table.schema.field("growth_rate_um_per_s").type) == "double"
    empty = parquet.read_table(tmp_path / "short" / "event_log.parquet")
    assert str(empty.schema.field("acknowledged_at").type) == "string", (
        "a column without a value has a type too"
    )


def test_json_streams_all_points(databases: tuple[Path, Path]) -> None:
    short, long = databases
    few, _, before = call(short, "growth", "last", 1, "--json")
    many, said, after = call(long, "growth", "last", 1, "--json")
    assert len(json.loads(few)) == FRAMES - 1
    rows = json.loads(many)
    assert len(rows) == FRAMES - 1 + COPIES
    assert few == json.dumps(json.loads(few), indent=2, ensure_ascii=False) + "\n"
    assert said == []
    assert after - before < MOST_MORE_BYTES


def test_a_table_says_what_it_leaves_out(databases: tuple[Path, Path]) -> None:
    _, long = databases
    shown, said, _ = call(long, "growth", "last", 1)
    count = FRAMES - 1 + COPIES
    assert said == [
        f"one in 8 of {count} points; --since SECONDS shows later ones, --limit 0 all, --json without --limit as well"
    ]
    lines = shown.splitlines()
    assert 800 < len(lines) <= 1002
    assert lines[-1].split()[0] == str(FRAMES - 1 + COPIES), "the last point is always shown"
    shown, said, _ = call(long, "growth", "last", 1, "--limit", 0)
    assert (len(shown.splitlines()), said) == (count + 1, [])
    shown, said, _ = call(long, "growth", "last", 1, "--since", 7000)
    assert (len(shown.splitlines()), said) == (10 + 1, [])
    shown, said, _ = call(long, "events", "last", "--limit", 5)
    assert said[0].startswith("the newest 5 of 70")
    assert [line.split()[0] for line in shown.splitlines()[1:]] == [
        str(1000 + k) for k in range(COPIES - 4, COPIES + 1)
    ]
    shown, said, _ = call(long, "trails", "last", "--limit", 3)
    assert said[0].startswith("the first 3 of 30 crystals")
    assert [line.split()[0] for line in shown.splitlines()[1:]] == ["1", "2", "3"]


def test_a_crystal_that_is_not_there_is_a_mistake_and_a_time_without_points_is_none(
    databases: tuple[Path, Path],
) -> None:
    _, long = databases
    asked = [sys.executable, "-m", "monitor.cli", "growth", "last", "99999"]
    done = subprocess.run(
        [*asked, "--database", f"sqlite:///{long}"], capture_output=True, text=True, check=False, cwd=PROJECT
    )
    assert done.returncode == 2
    assert "crystal 99999 is not in this run" in done.stderr
    assert "Traceback" not in done.stderr
    call(long, "growth", "last", 1, "--since", 10**9)


def test_every_column_holds_what_it_is_said_to_hold(databases: tuple[Path, Path]) -> None:
    kinds = {"text": ColumnKind.WORDS, "integer": ColumnKind.WHOLE, "real": ColumnKind.NUMBER}
    connection = sqlite3.connect(databases[0])
    for view in VIEWS:
        with TrailReader(str(databases[0])) as reader:
            columns = reader.view(view).columns
        for column in columns:
            found = {
                kind for (kind,) in connection.execute(f'SELECT DISTINCT typeof("{column}") FROM {view}')
            }
            assert found - {"null"} <= {name for name, kind in kinds.items() if kind is column_kind(view, column)}, (
                view, column,
            )  # fmt: skip
    connection.close()


def test_words_by_name_are_words() -> None:
    """Columns that no row here fills."""
    for column in (
        "reason",
        "archived",
        "rule",
        "end_reason",
        "acknowledged_at",
        "ended_at",
        "details",
        "detail",
    ):
        assert column_kind("event_log", column) is ColumnKind.WORDS
    for column in ("merged_into", "split_from", "tail_at_most"):
        assert column_kind("trail_summary", column) is ColumnKind.WHOLE
