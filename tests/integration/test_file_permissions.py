"""What a real station leaves behind: its own to write, its group's to read, nobody else's, whatever the umask."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.live_station import LiveStation

READERS = 54_341
READER = 54_342
STRANGER = 54_343

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
    pytest.mark.skipif(
        not shutil.which("sqlite3"), reason="the sqlite3 shell is not installed: apt-get install sqlite3"
    ),
]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def as_user(user: int, group: int, *command: str) -> subprocess.CompletedProcess[bytes]:
    become = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    return subprocess.run([*become, *command], capture_output=True, timeout=20, check=False)


def modes(folder: Path) -> dict[str, tuple[int, int]]:
    """Mode and group of everything below."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.name.endswith((".toml", ".log")):
            continue  # the test's own
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # the station is at work
        found[str(path.relative_to(folder))] = (stat.S_IMODE(status.st_mode), status.st_gid)
    return found


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_everything_that_a_run_leaves(short_folder: Path, mask: int) -> None:
    shutil.chown(short_folder, group=READERS)
    short_folder.chmod(0o2750)
    question = (
        "sqlite3",
        "-readonly",
        str(short_folder / "trails.sqlite"),
        "SELECT COUNT(*) > 0 FROM frame_log",
    )
    archive = {"folder": str(short_folder / "archive"), "every_s": 1.0}
    storage = {"database": f"sqlite:///{short_folder}/trails.sqlite", "archive": archive}
    analysis = {"threads": 1, "model_cache": str(short_folder / "cache")}
    with umask(mask):
        with LiveStation(short_folder, storage=storage, analysis=analysis) as station:
            station.wait_for_frames(6)
            station.until(lambda: list(short_folder.rglob("archive/**/*.png")), "a key frame")
            up = modes(short_folder)
            answered = as_user(READER, READERS, *question)
            assert answered.stdout == b"1\n", (answered, up)
            assert as_user(STRANGER, STRANGER, *question).returncode != 0
            assert as_user(READER, READERS, "ls", str(short_folder)).returncode == 0
        down = modes(short_folder)
        assert as_user(READER, READERS, *question).stdout == b"1\n"
    assert {
        "trails.sqlite",
        "trails.sqlite-wal",
        "trails.sqlite-shm",
        "control.ipc",
        "frames.ipc",
    } <= up.keys()
    kept = [name for name in down if name.endswith(".png")]
    assert kept, down
    for name in ("trails.sqlite", "trails.sqlite-wal", "trails.sqlite-shm", kept[0]):
        assert (down | up)[name] == (0o640, READERS), name
    assert up["control.ipc"] == (0o660, READERS)
    assert up["frames.ipc"][0] == 0o600
    for name, (mode, _) in (up | down).items():
        assert not mode & 0o007, f"{name}: {mode:04o}"
        assert not mode & 0o020 or name == "control.ipc", f"{name}: {mode:04o}"
    folders = {name: mode for name, mode in down.items() if (short_folder / name).is_dir()}
    assert {mode for name, mode in folders.items() if name.startswith("archive")} == {(0o2750, READERS)}
    assert as_user(READER, READERS, "cat", str(short_folder / kept[0])).stdout.startswith(b"\x89PNG")
    assert as_user(STRANGER, STRANGER, "cat", str(short_folder / kept[0])).returncode != 0
