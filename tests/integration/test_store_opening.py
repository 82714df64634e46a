"""Stores that cannot be opened: the message says what, which, and what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.errors import StoreUnusableError, UnknownRunError, UserError
from monitor.store import TrailReader, open_store
from tests import trail_results as made

PROJECT = Path(__file__).resolve().parents[2]


def refusal(database: str) -> str:
    with pytest.raises(StoreUnusableError) as refused:
        open_store(database)
    assert isinstance(refused.value, UserError)
    return str(refused.value)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    message = refusal(f"sqlite:///{tmp_path / 'none' / 'trails.sqlite'}")
    assert "does not exist" in message
    assert "mkdir -p" in message
    assert not (tmp_path / "none").exists()


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    assert "is a folder" in refusal(str(tmp_path))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("dear diary, " * 100)
    assert "no SQLite database" in refusal(str(text))
    assert text.read_text().startswith("dear diary")


def test_a_database_of_another_program(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE run (a)")
    connection.commit()
    connection.close()
    assert "did not make" in refusal(str(other))


def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    database = tmp_path / "trails.sqlite"
    open_store(str(database)).close()
    connection = sqlite3.connect(database)
    connection.execute("INSERT INTO migration (name) VALUES ('m9999_from_the_future')")
    connection.commit()
    connection.close()
    message = refusal(str(database))
    assert "newer version" in message
    assert "m9999_from_the_future" in message


def test_other_views_are_replaced(tmp_path: Path) -> None:
    database = tmp_path / "trails.sqlite"
    open_store(str(database)).close()
    connection = sqlite3.connect(database)
    connection.execute("DROP VIEW csd")
    connection.execute("UPDATE migration SET detail = 'older' WHERE name = 'views'")
    connection.commit()
    connection.close()
    open_store(str(database)).close()
    with TrailReader(str(database)) as reader:
        assert "d50_um" in reader.view("csd").columns


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ("", "no database was named"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://somebody@somewhere/trails", "neither SQLite nor PostgreSQL"),
        ("://nonsense", "no database URL"),
    ],
)
def test_urls_that_are_none(database: str, said: str) -> None:
    assert said in refusal(database)


def test_a_server_that_is_not_there() -> None:
    pytest.importorskip("psycopg")
    message = refusal("postgresql://someone:secret@127.0.0.1:1/trails")
    assert "check that the PostgreSQL server runs" in message
    assert "secret" not in message


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    # The project may lie where another user cannot read it, so the child imports first and steps down then.
    script = """
import os, sys
from monitor.errors import StoreUnusableError
from monitor.store import open_store
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    open_store(sys.argv[1])
except StoreUnusableError as error:
    print(error)
"""
    tmp_path.chmod(0o500)
    child = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "trails.sqlite")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert "permission on" in child.stdout, child.stderr


def test_a_reader_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusableError, match="there is no database"):
        TrailReader(str(tmp_path / "trails.sqlite"))
    assert list(tmp_path.iterdir()) == []
    database = tmp_path / "trails.sqlite"
    store = open_store(str(database))
    store.start_run(made.run_start("salt"))
    store.close()
    with TrailReader(str(database)) as reader:
        assert reader.find_run("1") == reader.find_run("salt") == reader.find_run("last") == 1
        with pytest.raises(UnknownRunError, match="sugar"):
            reader.find_run("sugar")
        with pytest.raises(UnknownRunError):
            reader.find_run("12")
