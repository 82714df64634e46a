"""Four slow readers who overlap for ever: commits wait for them once and patiently, and the log stays short."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from monitor.store import checkpointing
from monitor.store.checkpointing import QUIET_PAGES, Checkpointer

PAGE = 4096
LONGEST_LOG = 7 * 2**20

READERS = """
import random, sqlite3, sys, threading, time
def read(seed):
    chance = random.Random(seed)
    while True:
        connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=20)
        connection.execute("BEGIN")
        connection.execute("SELECT COUNT(*) FROM page").fetchone()
        time.sleep(chance.uniform(0.3, 0.6))
        connection.close()
        time.sleep(chance.uniform(0.2, 0.6))
for seed in range(4):
    threading.Thread(target=read, args=(seed,)).start()
print("reading", flush=True)
"""


@contextmanager
def slow_readers(database: Path) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", READERS, database], stdout=subprocess.PIPE) as readers:
        assert readers.stdout is not None
        assert readers.stdout.readline() == b"reading\n"
        try:
            yield
        finally:
            readers.kill()


def largest_log(folder: Path, writes_s: float) -> tuple[int, float]:
    """Write some 5 MB a second for so long; the log's largest size, bytes, and the longest commit, seconds."""
    database, largest, longest_s = folder / "pages.sqlite", 0, 0.0
    with closing(sqlite3.connect(database, timeout=20, isolation_level=None)) as writer:
        for pragma in ("journal_mode = WAL", "synchronous = OFF", f"wal_autocheckpoint = {QUIET_PAGES}"):
            writer.execute(f"PRAGMA {pragma}")
        writer.execute("CREATE TABLE page (number INTEGER PRIMARY KEY, content BLOB)")
        checkpointer = Checkpointer(database, writer)
        with slow_readers(database):
            end_s = time.monotonic() + writes_s
            while (begun_s := time.monotonic()) < end_s:
                writer.execute("BEGIN IMMEDIATE")
                for number in range(12):
                    writer.execute("REPLACE INTO page VALUES (?, ?)", (number, os.urandom(PAGE - 100)))
                writer.execute("COMMIT")
                checkpointer.after_commit()
                took_s = time.monotonic() - begun_s
                longest_s = max(longest_s, took_s)
                largest = max(largest, database.with_name("pages.sqlite-wal").stat().st_size)
                time.sleep(max(0.0, 0.01 - took_s))
        checkpointer.close()
    return largest, longest_s


def test_the_log_stays_short_under_four_slow_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything ten times as fast as in earnest, so the log's limits are a tenth as well."""
    monkeypatch.setattr(checkpointing, "TROUBLE_BYTES", 16 * 2**20 // 10)
    monkeypatch.setattr(checkpointing, "PATIENCE_S", 1.5)
    (tmp_path / "never").mkdir()
    monkeypatch.setattr(checkpointing, "HOLD_BYTES", 2**40)
    never, _ = largest_log(tmp_path / "never", 8.0)
    monkeypatch.setattr(checkpointing, "HOLD_BYTES", 28 * 2**20 // 10)
    largest, longest_s = largest_log(tmp_path, 12.0)
    print(
        f"never held: {never / 1e6:.1f} MB; held: {largest / 1e6:.1f} MB, a commit {longest_s:.2f} s at most"
    )
    assert never > LONGEST_LOG, "the control: without holding commits it grows"
    assert largest < LONGEST_LOG


def test_a_stop_waits_for_no_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With this patience the test would end by its own limit."""
    monkeypatch.setattr(checkpointing, "TROUBLE_BYTES", 0)
    monkeypatch.setattr(checkpointing, "HOLD_BYTES", 0)
    monkeypatch.setattr(checkpointing, "PATIENCE_S", 3600.0)
    database = tmp_path / "pages.sqlite"
    with ExitStack() as stack:
        writer, reader, other = (
            stack.enter_context(closing(sqlite3.connect(database, timeout=0, isolation_level=None)))
            for _ in range(3)
        )
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE page (number INTEGER PRIMARY KEY)")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM page").fetchall()
        writer.execute("INSERT INTO page VALUES (1)")
        checkpointer = Checkpointer(database, writer)
        checkpointer.after_commit()

        def held() -> bool:
            try:
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return True
            return False

        while not held():  # the control: commits wait for the reader
            time.sleep(0.01)
        checkpointer.close()
        assert not held()
        assert reader.execute("SELECT * FROM page").fetchall() == [], "it still reads what it read"
