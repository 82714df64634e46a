"""A damaged database: found after an unclean end before anything is written to it, told, and set aside by command."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from monitor.cli.group import CommandGroup
from monitor.errors import StoreUnusableError
from monitor.store import check_database, open_store, run_query
from tests import trail_results as made
from tests.integration.test_store_kill import kill_after_commits, start_writer

FRAMES = 60


def closed_database(folder: Path) -> Path:
    """A database with a run, that was closed."""
    database = folder / "trails.sqlite"
    store = open_store(str(database))
    run = store.start_run(made.run_start())
    for index in range(FRAMES):
        store.append(run, made.growing(index, 40))
    store.close()
    return database


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A database that nobody closed: most of it in the file, the last frame in the log."""
    database = closed_database(tmp_path)
    writer = start_writer(database)
    kill_after_commits(writer, 1, 0.0)
    assert database.with_name("trails.sqlite-wal").stat().st_size > 0, "the control: it was not closed"
    return database


def damage(database: Path) -> None:
    """As a failing disk does: a stretch of some pages is something else."""
    with database.open("r+b") as file:
        file.seek(database.stat().st_size // 2)
        file.write(b"\x55" * 20_000)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "monitor.cli", "check-database", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_whole_one_goes_on(killed: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store = open_store(str(killed))
    assert store.resume_run() is not None
    store.close()
    assert "did not close it; it was checked, and no damage was found" in caplog.text
    caplog.clear()
    open_store(str(killed)).close()
    assert "checked" not in caplog.text, "after a clean end nothing is looked through"


def test_a_damaged_one_is_refused_and_not_touched(killed: Path) -> None:
    damage(killed)
    before = killed.read_bytes()
    with pytest.raises(
        StoreUnusableError, match=r"is damaged .*nothing was written to it.*--set-aside.*backup"
    ):
        open_store(str(killed))
    assert killed.read_bytes() == before


def test_the_look_is_bounded_in_time(killed: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(sqlite3.connect(killed)) as other:
        other.execute(
            "CREATE TABLE ballast AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
            "WHERE i < 300000) SELECT i, hex(randomblob(60)) AS x FROM n"
        )
        other.commit()
        store = open_store(str(killed), check_within_s=0.001)
    store.close()
    assert "did not reach the end: `crystal-monitor check-database` looks at all of it" in caplog.text


def test_the_command_checks_beside_the_writer(killed: Path) -> None:
    store = open_store(str(killed))
    try:
        answer = command("--database", str(killed))
        assert (answer.returncode, answer.stdout) == (0, f"{killed}: no damage was found\n"), answer.stderr
        refused = command("--database", str(killed), "--set-aside")
        assert (refused.returncode, "stays where it is" in refused.stderr) == (2, True)
    finally:
        store.close()
    asked = json.loads(command("--database", str(killed), "--json").stdout)
    assert asked == {"database": str(killed), "whole": True, "faults": []}


def test_the_command_sets_a_damaged_one_aside_and_overwrites_nothing(killed: Path) -> None:
    damage(killed)
    content = killed.read_bytes()
    told = command("--database", str(killed))
    assert told.returncode == 2
    assert "is damaged" in told.stderr
    assert "Traceback" not in told.stderr
    done = command("--database", str(killed), "--set-aside")
    assert done.returncode == 0, done.stderr
    (aside,) = killed.parent.glob("trails.sqlite.damaged-*Z")
    assert aside.read_bytes() == content
    assert aside.with_name(aside.name + "-wal").exists(), "the log belongs to it"
    assert not killed.exists()
    store = open_store(str(killed))  # a new one begins
    assert store.resume_run() is None
    store.close()


@pytest.mark.timeout(180)
def test_whoever_reads_a_damaged_one_says_so_and_how_to_mend_it(tmp_path: Path) -> None:
    database = closed_database(tmp_path)
    question = ("query", "SELECT * FROM growth_history", "--database", str(database))
    assert answered(*question).returncode == 0, "the control: it was closed, and is whole"
    page = 4096
    with database.open("r+b") as file:  # all but its schema, which is on the first pages
        for place in range(24 * page, database.stat().st_size, page):
            file.seek(place)
            file.write(b"\x55" * page)
    config = tmp_path / "station.toml"
    config.write_text(
        f'[camera]\nkind = "simulated"\npreset = "demo"\n[storage]\ndatabase = "sqlite:///{database}"\n'
        f'[stream]\nendpoint = "ipc://{tmp_path}/frames.ipc"\n'
    )
    for words in (("runs", "--database", str(database)), question, ("run", str(config))):
        refused = answered(*words)
        assert refused.returncode == 2, (words, refused)
        assert f"the database {database} is damaged (" in refused.stderr
        for remedy in (f"check-database --database {database} --set-aside", "restore BACKUP"):
            assert remedy in refused.stderr, refused.stderr
        assert "not understood" not in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_question_that_meets_damage_on_its_way_is_not_to_blame(tmp_path: Path) -> None:
    database = closed_database(tmp_path)
    size = database.stat().st_size // 4096 * 4096
    with database.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\x55" * (size - file.tell()))
    assert run_query(str(database), "SELECT name FROM migration").rows, "the control: it can be opened"
    with pytest.raises(StoreUnusableError, match=f"the database {database} is damaged .*restore BACKUP"):
        run_query(str(database), "SELECT * FROM growth_history")


def answered(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "monitor.cli", *words], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_reference_to_nothing_is_damage_to_the_full_check_alone(tmp_path: Path) -> None:
    database = tmp_path / "trails.sqlite"
    open_store(str(database)).close()
    with closing(sqlite3.connect(database)) as other:
        other.execute("PRAGMA foreign_keys = OFF")
        other.execute(
            "INSERT INTO size_distribution (frame_id, weighting, border_rule, count) VALUES (99, 'a', 'b', 1)"
        )
        other.commit()
    assert check_database(str(database), full=False).whole
    assert not check_database(str(database)).whole


def test_it_is_a_command_with_an_example() -> None:
    assert "check-database" in CommandGroup().list_commands(None)  # type: ignore[arg-type]  # no context is needed
    assert "Example: crystal-monitor check-database" in command("--help").stdout
