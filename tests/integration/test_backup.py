"""Backup under load, restore, and the run goes on: real processes, the real command line, PostgreSQL's own tools."""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.errors import BackupError
from monitor.store import TrailReader, back_up, open_store
from tests import trail_results as made
from tests.postgresql_server import fresh_database, programs_folder

PROJECT = Path(__file__).resolve().parents[2]
WRITER = Path(__file__).with_name("store_writer.py")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(PROJECT)}


def command(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(  # noqa: PLW1510  # the exit code is what is tested
        [sys.executable, "-m", "monitor.cli", *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def start_writer(database: Path) -> tuple[subprocess.Popen[str], int, int]:
    """A process that appends without a pause; with its first frame and the crystal number that it gives."""
    writer = subprocess.Popen(
        [sys.executable, str(WRITER), str(database)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert writer.stdout is not None
    _, frame, crystal = writer.stdout.readline().split()
    return writer, int(frame), int(crystal)


def last_told(writer: subprocess.Popen[str]) -> int:
    writer.kill()
    assert writer.stdout is not None
    told = [
        int(line.split()[1]) for line in writer.stdout.read().splitlines() if line.startswith("committed")
    ]
    writer.wait()
    writer.stdout.close()
    return told[-1] if told else -1


def frames(database: Path) -> list[int]:
    connection = sqlite3.connect(database)
    found = [row[0] for row in connection.execute("SELECT frame_index FROM frame_log ORDER BY 1")]
    connection.close()
    return found


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "lab.sqlite"
    kept = open_store(str(path))
    run = kept.start_run(made.run_start())
    for index in range(20):
        kept.append(run, made.growing(index, 5))
    kept.close()
    return path


@pytest.mark.timeout(180)
def test_a_backup_under_load_is_a_moment_that_was_and_the_run_goes_on_from_it(tmp_path: Path) -> None:
    database, folder = tmp_path / "lab.sqlite", tmp_path / "backups"
    folder.mkdir()
    writer, _, first_crystal = start_writer(database)
    try:
        time.sleep(1.0)
        report = json.loads(command("backup", str(folder), "--database", f"sqlite:///{database}", "--json"))
        refused = command("restore", report["path"], "--database", f"sqlite:///{database}", code=2)
    finally:
        last = last_told(writer)
    assert "already written by another process" in refused
    copied = frames(Path(report["path"]))
    assert copied == list(range(len(copied)))
    assert 0 < len(copied) < last, "the control: the writer went on while the copy was made"
    assert report["rows"]["frame"] == len(copied)
    assert stat.S_IMODE(Path(report["path"]).stat().st_mode) == 0o640
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) == [
        Path(report["path"]).name
    ]

    told = json.loads(command("restore", report["path"], "--database", f"sqlite:///{database}", "--json"))
    assert frames(database) == copied
    with TrailReader(str(database)) as reader:
        (entry,) = reader.view("audit_log", kind="restored").records()
    assert report["path"] in str(entry["message"])
    assert len(frames(Path(told["kept_aside"]))) > last, (
        "what was there is kept whole, its write-ahead log too"
    )
    again, frame, crystal = start_writer(database)
    last_told(again)
    assert (frame, crystal) == (len(copied), first_crystal + 1), (
        "the run goes on, with the number that is due"
    )
    with TrailReader(str(database)) as reader:
        assert len(reader.view("run_summary")) == 1


def test_only_so_many_are_kept_and_no_file_is_replaced(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    foreign = folder / "lab-notes.sqlite"
    foreign.write_text("not ours")
    now = SystemClock().now()
    made_before = [back_up(store, folder, now.after(seconds), 3, lambda *_: None) for seconds in range(5)]
    left = sorted(folder.glob("lab-2*.sqlite"))
    assert left == [one.path for one in made_before[2:]]
    assert made_before[3].removed == (made_before[0].path,)
    assert foreign.read_text() == "not ours"
    with pytest.raises(BackupError, match="a backup replaces none"):
        back_up(store, folder, now.after(4), 3, lambda *_: None)
    with pytest.raises(BackupError, match="a backup replaces none"):
        back_up(store, foreign, now, None, lambda *_: None)


def test_a_killed_backup_leaves_nothing_that_looks_like_one(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    class KilledError(Exception):
        pass

    def kill(done: int, total: int) -> None:
        raise KilledError

    (folder / ".lab-20200101T000000Z.sqlite.partial").write_text("left by one that was killed")
    others = folder / ".lab-2-20200101T000000Z.sqlite.partial"
    others.write_text("another station's, whose backup is under way")
    with pytest.raises(KilledError):
        back_up(store, folder, SystemClock().now(), None, kill)
    assert {path.name for path in folder.iterdir()} == {".lab.backup.lock", others.name}


@pytest.mark.parametrize("damage", ["cut", "other", "text"])
def test_a_damaged_backup_is_refused_and_the_store_stays(store: Path, tmp_path: Path, damage: str) -> None:
    backup = tmp_path / "backup.sqlite"
    command("backup", str(backup), "--database", str(store))
    if damage == "cut":
        with backup.open("r+b") as file:
            file.seek(4096 * 6)
            file.write(b"\0" * 4096 * 4)
    elif damage == "other":
        backup.unlink()
        sqlite3.connect(backup).execute("CREATE TABLE mine (a)").connection.close()
    else:
        backup.write_text("no database")
    said = command("restore", str(backup), "--database", str(store), code=2)
    assert str(backup) in said
    assert "name another backup" in said
    assert frames(store) == list(range(20))
    assert not list(tmp_path.glob("*before-restore*"))


def test_what_is_missing_is_said(store: Path, tmp_path: Path) -> None:
    assert "there is no file" in command(
        "restore", str(tmp_path / "no.sqlite"), "--database", str(store), code=2
    )
    assert "there is no file" in command(
        "backup", str(tmp_path), "--database", str(tmp_path / "no.sqlite"), code=2
    )
    assert "make it" in command(
        "backup", str(tmp_path / "none" / "b.sqlite"), "--database", str(store), code=2
    )


def test_what_is_said_of_postgresql_is_what_backs_it_up(server: str, tmp_path: Path) -> None:
    database = fresh_database(server, "lab")
    kept = open_store(database)
    run = kept.start_run(made.run_start())
    for index in range(5):
        kept.append(run, made.growing(index, 2))
    kept.close()
    dump = tmp_path / "lab.dump"
    environment = ENVIRONMENT | {"PATH": f"{programs_folder()}:{os.environ['PATH']}"}

    def do_what_is_said(*arguments: str) -> None:
        said = command(*arguments, "--database", database, code=2)
        subprocess.run(shlex.split(said[said.index("pg_") :]), env=environment, check=True, timeout=60)

    do_what_is_said("backup", str(dump))
    kept = open_store(database)
    kept.append(run, made.growing(5, 2))
    kept.close()
    do_what_is_said("restore", str(dump))
    kept = open_store(database)
    assert kept.resume_run() == run
    assert kept.append(run, made.growing(5, 2)), "the frame that came after the backup was gone"
    kept.close()
