"""Another user of the reader's group reads with the plain sqlite3 shell, daemon up, down or killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store import open_store
from tests import trail_results as made
from tests.integration.test_store_kill import kill_after_commits, start_writer

READERS_GROUP = 54_321
READER = 54_322

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
    pytest.mark.skipif(
        not shutil.which("sqlite3"), reason="the sqlite3 shell is not installed: apt-get install sqlite3"
    ),
    pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """As systemd's StateDirectory with mode 2750 would be: the group may read, and only read."""
    made_folder = Path(tempfile.mkdtemp(prefix="store-readers-"))
    shutil.chown(made_folder, group=READERS_GROUP)
    made_folder.chmod(0o2750)
    yield made_folder
    shutil.rmtree(made_folder)


def ask_as(user: int, group: int, database: Path, sql: str) -> subprocess.CompletedProcess[str]:
    become = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    return subprocess.run(
        [*become, "sqlite3", str(database), sql], capture_output=True, text=True, timeout=20, check=False
    )


COUNT = "SELECT COUNT(*) FROM frame_log"


def test_a_reader_of_the_group_reads_with_the_daemon_up_and_down(folder: Path) -> None:
    database = folder / "trails.sqlite"
    store = open_store(str(database))
    run = store.start_run(made.run_start())
    for index in range(3):
        store.append(run, made.growing(index, 2))
    assert (folder / "trails.sqlite-wal").exists(), "the control: the daemon is up, in WAL mode"
    stranger = ask_as(READER, READER, database, COUNT)
    assert stranger.returncode != 0, "the control: who is not of the group reads nothing"
    up = ask_as(READER, READERS_GROUP, database, COUNT)
    assert (up.stdout, up.stderr) == ("3\n", "")
    store.append(run, made.growing(3, 2))
    assert ask_as(READER, READERS_GROUP, database, COUNT).stdout == "4\n"
    write = ask_as(READER, READERS_GROUP, database, "UPDATE run SET name = 'mine'")
    assert "readonly" in write.stderr
    store.close()
    assert not (folder / "trails.sqlite-wal").exists(), "the control: the daemon is down"
    down = ask_as(READER, READERS_GROUP, database, COUNT)
    assert (down.stdout, down.stderr) == ("4\n", "")


def test_a_reader_of_the_group_reads_after_the_daemon_was_killed(folder: Path) -> None:
    database = folder / "trails.sqlite"
    writer = start_writer(database)
    _, told = kill_after_commits(writer, 5, 0.0)
    assert (folder / "trails.sqlite-wal").exists(), "the control: nobody tidied up"
    killed = ask_as(READER, READERS_GROUP, database, COUNT)
    assert killed.stderr == ""
    assert int(killed.stdout) > told
