"""A writer that is killed at any moment loses at most the frame in hand, and reuses no number."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("store_writer.py")
KILLS = 20


def start_writer(database: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WRITER), str(database)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )


def kill_after_commits(writer: subprocess.Popen[str], commits: int, pause_s: float) -> tuple[int, int]:
    """Kill the writer a moment after so many commits; its crystal and the last commit that it told."""
    assert writer.stdout is not None
    word, _, number = writer.stdout.readline().split()
    assert word == "started"
    for _ in range(commits):
        writer.stdout.readline()
    time.sleep(pause_s)
    writer.kill()
    told = [line.split()[1] for line in writer.stdout.read().splitlines() if line.startswith("committed")]
    writer.wait()
    writer.stdout.close()
    return int(number), int(told[-1]) if told else -1


@pytest.mark.timeout(180)
def test_a_killed_writer_loses_no_committed_frame_and_reuses_no_number(tmp_path: Path) -> None:
    database = tmp_path / "trails.sqlite"
    chance = random.Random(7)
    numbers: list[int] = []
    last_told = -1
    for _ in range(KILLS):
        writer = start_writer(database)
        number, told = kill_after_commits(writer, chance.randrange(1, 5), chance.uniform(0, 0.03))
        numbers.append(number)
        last_told = max(last_told, told)
        with sqlite3.connect(database) as connection:
            frames = [row[0] for row in connection.execute("SELECT frame_index FROM frame_log ORDER BY 1")]
            points = dict(connection.execute("SELECT frame_index, COUNT(*) FROM growth_history GROUP BY 1"))
        connection.close()
        assert frames == list(range(len(frames))), "a frame is missing or came twice"
        assert frames[-1] >= last_told, "a frame that was told as committed is gone"
        assert set(points) == set(frames), "a frame came without its points"
    assert len(frames) >= KILLS, "the control: every writer committed something"
    assert numbers == sorted(set(numbers)), "a number was given twice"
    with sqlite3.connect(database) as connection:
        runs = connection.execute("SELECT COUNT(*), SUM(frames_lost) FROM run_summary").fetchone()
        check = connection.execute("PRAGMA integrity_check").fetchone()
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    connection.close()
    assert runs == (1, 0)
    assert (check, broken) == (("ok",), [])
