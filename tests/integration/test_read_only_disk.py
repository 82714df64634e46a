"""A disk that Linux has made read-only, as it does with a failing one: nothing torn, and the run goes on afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.errors import StoreUnusableError
from monitor.store import check_database, open_store
from tests.integration.live_station import LiveStation

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk"),
    pytest.mark.skipif(
        not shutil.which("mkfs.ext4"), reason="mkfs.ext4 is missing: apt-get install e2fsprogs"
    ),
]


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[str]:
    """The image as a disk; the name of its device."""
    mount = subprocess.run(
        ["mount", "-o", "loop", image, folder], capture_output=True, text=True, check=False
    )
    if mount.returncode != 0:
        pytest.skip(f"no image can be mounted here: {mount.stderr.strip()}")
    try:
        found = subprocess.run(
            ["findmnt", "-no", "SOURCE", folder], capture_output=True, text=True, check=True
        )
        yield Path(found.stdout.strip()).name
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.timeout(240)
def test_a_disk_that_becomes_read_only(tmp_path: Path, short_folder: Path) -> None:
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(100 * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-e", "remount-ro", image], check=True)
    sections = {"storage": {"database": f"sqlite:///{folder}/trails.sqlite"}}
    database = folder / "trails.sqlite"

    with mounted(image, folder) as device:
        trigger = Path(f"/sys/fs/ext4/{device}/trigger_fs_error")
        if not trigger.exists():
            pytest.skip("this kernel cannot be told that a disk fails")
        with LiveStation(short_folder, **sections) as station:
            station.database = database
            station.wait_for_frames(5)
            before = station.rows("SELECT session, frame_index FROM frame_log")
            trigger.write_text("1")
            with pytest.raises(OSError, match="Read-only"):
                (folder / "control").touch()
            station.until(lambda: "is mounted read-only" in station.log(), "the analysis to say so")
            assert "check the disk (fsck)" in station.log()
            process = station.process_id("analyze")
            assert station.process_id("analyze") == process, "it waits, and is not started over and over"
        with pytest.raises(StoreUnusableError, match="read-only"):
            open_store(str(database))

    subprocess.run(["e2fsck", "-p", image], capture_output=True, check=False)
    with mounted(image, folder), LiveStation(short_folder, **sections) as station:
        station.database = database
        station.wait_for_frames(3)
        after = station.rows("SELECT session, frame_index FROM frame_log")
        assert all(row in after for row in before), "a committed frame is gone"
        assert len(station.rows("SELECT run_id FROM run_summary")) == 1, "the run goes on"
        assert check_database(str(database)).whole
        station.stop()
