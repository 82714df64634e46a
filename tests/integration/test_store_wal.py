"""The write-ahead log under readers: bounded while they are ours or short, told of while somebody pins it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from monitor.analysis.storage_watch import WAL_RULE, StorageWatch
from monitor.clock import SystemClock
from monitor.records.run import Run
from monitor.settings.storage import StorageSettings
from monitor.store import SqlTrailStore, TrailReader, measure_store, open_store, wal_readers
from monitor.store.checkpointing import TROUBLE_BYTES
from tests import trail_results as made

LIMIT_BYTES = 64_000_000
CRYSTALS = 400

SLOW_READER = """
import sqlite3, sys, time
connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
cursor = connection.execute("SELECT * FROM frame_log, (SELECT 1 UNION SELECT 2)")
cursor.fetchone()
print("reading", flush=True)
time.sleep(float(sys.argv[2]))
"""

OVERLAPPING_READERS = """
import sqlite3, sys, time
open_ones = []
print("reading", flush=True)
while True:
    connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    connection.execute("BEGIN")
    connection.execute("SELECT * FROM migration").fetchone()
    open_ones.append(connection)
    time.sleep(0.25)
    while len(open_ones) > 1:
        open_ones.pop(0).close()
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[SqlTrailStore, Run, str]]:
    database = str(tmp_path / "trails.sqlite")
    opened = open_store(database, "NORMAL")  # without an fsync a commit: many of them matter here
    run = opened.start_run(made.run_start())
    for index in range(5):
        opened.append(run, made.growing(index, CRYSTALS))
    yield opened, run, database
    opened.close()


@contextmanager
def reading(program: str, database: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that reads."""
    command = [sys.executable, "-c", program, database, "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        yield reader
        reader.kill()


def wal_bytes(database: str) -> int:
    return measure_store(database).wal_bytes or 0


def write_until(store: SqlTrailStore, run: Run, first: int, database: str, log_bytes: int) -> int:
    index = first
    while wal_bytes(database) < log_bytes:
        store.append(run, made.growing(index, CRYSTALS))
        index += 1
        assert index < first + 2000, "the log does not grow"
    return index


def test_one_who_pins_the_log_is_named_and_it_is_cut_afterwards(
    store: tuple[SqlTrailStore, Run, str],
) -> None:
    writer, run, database = store
    settings = StorageSettings(database=f"sqlite:///{database}", wal_alert_bytes=32_000_000)
    watch = StorageWatch(settings, SystemClock(), None)
    assert wal_readers(database) == ()
    with reading(SLOW_READER, database) as reader:
        index = write_until(writer, run, 5, database, 33_000_000)
        assert [one.process_id for one in wal_readers(database)] == [reader.pid]
        seen = watch.look(run, muted=False)
        assert seen is not None
        alert = {one.rule: one for one in seen.alerts}[WAL_RULE]
        assert alert.raised
        assert f"({reader.pid}) reads the database without a break" in alert.message
        assert alert.value is not None
        assert alert.value > 32_000_000
    end = time.monotonic() + 20
    while wal_bytes(database) > TROUBLE_BYTES:  # once nobody reads, it is cut without any help
        assert time.monotonic() < end
        time.sleep(0.1)
    writer.append(run, made.growing(index, CRYSTALS))
    time.sleep(1.1)
    seen = watch.look(run, muted=False)
    assert seen is not None
    assert [one.raised for one in seen.alerts if one.rule == WAL_RULE] == [False]


@pytest.mark.timeout(120)
def test_readers_that_overlap_for_ever_do_not_let_it_grow(store: tuple[SqlTrailStore, Run, str]) -> None:
    """Somebody always reads: SQLite alone would never find a moment to start its log anew."""
    writer, run, database = store
    index, largest, slowest_s = 5, 0, 0.0
    size = Path(database).stat().st_size
    with reading(OVERLAPPING_READERS, database):
        while Path(database).stat().st_size + wal_bytes(database) - size < 1.1 * LIMIT_BYTES:
            before = time.monotonic()
            writer.append(run, made.growing(index, CRYSTALS))
            slowest_s = max(slowest_s, time.monotonic() - before)
            index += 1
            time.sleep(max(0.0, 0.04 - (time.monotonic() - before)))  # ten stations' worth of rows
            largest = max(largest, wal_bytes(database))
    print(f"{index} frames, log at most {largest / 1e6:.1f} MB, slowest commit {slowest_s:.2f} s")
    assert largest > TROUBLE_BYTES, "the control: SQLite alone does not keep it short"
    assert largest < LIMIT_BYTES


def test_our_own_streams_hold_nothing_while_their_reader_dawdles(
    store: tuple[SqlTrailStore, Run, str],
) -> None:
    writer, run, database = store
    index = 5
    for index in range(5, 40):
        writer.append(run, made.growing(index, CRYSTALS))
    with TrailReader(database) as reader:
        batches = reader.stream("growth_history", run.run_id).batches
        rows = len(next(batches))
        write_until(writer, run, index + 1, database, 1)
        with closing(sqlite3.connect(database)) as other:
            other.execute("PRAGMA wal_checkpoint(PASSIVE)")
            busy, _, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy, "the answer is half read, and holds the log"
        rows += sum(len(batch) for batch in batches)
    assert rows == 39 * CRYSTALS


@pytest.mark.skipif(
    not shutil.which("sqlite3"), reason="the sqlite3 shell is not installed: apt-get install sqlite3"
)
def test_the_shell_that_holds_a_transaction_is_named(store: tuple[SqlTrailStore, Run, str]) -> None:
    _, _, database = store
    with subprocess.Popen(
        ["sqlite3", "-readonly", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write("BEGIN; SELECT COUNT(*) FROM frame_log;\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == "5\n"
        assert [(one.process_id, one.name) for one in wal_readers(database)] == [(shell.pid, "sqlite3")]
        shell.stdin.close()
