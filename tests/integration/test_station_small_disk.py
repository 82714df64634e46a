"""A station whose disk fills up: told early, thinned, paused with its losses counted, and on again by itself."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.analysis import WriteNote, ask_daemon
from monitor.errors import ControlError
from monitor.store import check_database
from tests.integration.live_station import LiveStation
from tests.small_disk import mounted_disk

DISK_MB = 80
LIMITS = {"alert_below_bytes": 24_000_000, "thin_below_bytes": 16_000_000, "pause_below_bytes": 8_000_000}
"""Beyond a tenth, a twentieth and a fiftieth of so small a disk, which are the ones that count."""
ALERT, THIN, PAUSE = (DISK_MB * 2**20 / share for share in (10, 20, 50))


@pytest.fixture
def disk() -> Iterator[Path]:
    with mounted_disk(megabytes=DISK_MB) as folder:
        yield folder


def leave_free(disk: Path, wanted_bytes: float) -> None:
    """Fill the disk, or empty it, until about so much is free."""
    ballast = disk / "ballast"
    ballast.touch()
    for _ in range(100):
        room = os.statvfs(disk)
        size = ballast.stat().st_size + room.f_bavail * room.f_frsize - round(wanted_bytes)
        with ballast.open("r+b") as file:
            if size <= ballast.stat().st_size:
                file.truncate(max(0, size))
                return
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                # the station writes meanwhile, and took some of the room that was just counted
                if error.errno != errno.ENOSPC:
                    raise
            else:
                return
    pytest.fail("the disk cannot be filled: the station takes the room each time before")


def raised(station: LiveStation) -> list[str]:
    """Rules of alerts that stand."""
    rows = station.rows(
        "SELECT rule, kind FROM event WHERE rule IS NOT NULL AND field IS NULL ORDER BY event_id"
    )
    last = {row["rule"]: row["kind"] for row in rows}
    return sorted(rule for rule, kind in last.items() if kind == "alert_raised")


def kinds(station: LiveStation) -> list[str]:
    return [row["kind"] for row in station.rows("SELECT kind FROM event_log ORDER BY event_id")]


@pytest.mark.timeout(240)
def test_told_thinned_paused_and_on_again(disk: Path, short_folder: Path) -> None:
    archive = disk / "archive"
    sections = {
        "storage": {
            "database": f"sqlite:///{disk}/trails.sqlite",
            "archive": {"folder": str(archive), "every_s": 2.0},
            "disk": LIMITS,
        },
        "alerts": {"sinks": []},
    }
    with LiveStation(short_folder, **sections) as station:
        station.database = disk / "trails.sqlite"
        station.until(lambda: len(list(archive.rglob("*-routine.png"))) >= 8, "routine frames in the archive")
        assert raised(station) == [], "the control: there is room"

        leave_free(disk, (ALERT + THIN) / 2)
        station.until(lambda: raised(station) == ["disk almost full"], "the early alert")
        (alert,) = station.rows(
            "SELECT message FROM event_log WHERE kind = 'alert_raised' AND message LIKE '%disk%'"
        )
        assert "are free on the disk of" in alert["message"]
        assert "make room" in alert["message"]

        leave_free(disk, THIN - 500_000)
        station.until(lambda: not list(archive.rglob("*-routine.png")), "the archive to be thinned")
        station.wait_for_frames(2)
        named = station.rows("SELECT archived FROM frame_log WHERE archived IS NOT NULL")
        assert all((archive / row["archived"]).exists() for row in named), (
            "a row names a frame that was dropped"
        )

        leave_free(disk, PAUSE / 2)
        station.until(lambda: "storage_paused" in kinds(station), "the pause")
        assert raised(station) == ["disk almost full", "storage paused"]
        frames = station.frames()
        with pytest.raises(ControlError, match=r"not done: .*make room"):
            ask_daemon(f"ipc://{short_folder}/control.ipc", WriteNote(text="is anybody there?"), timeout_s=10)
        assert station.frames() == frames, "nothing is stored while it pauses"

        leave_free(disk, 3 * ALERT)
        station.until(lambda: "storage_resumed" in kinds(station), "it to go on by itself")
        station.wait_for_frames(3)
        station.until(lambda: raised(station) == [], "the alerts to clear")
        lost = station.rows("SELECT SUM(count) AS count FROM frame_loss WHERE reason = 'storage'")
        assert lost[0]["count"] > 0, "what the camera gave meanwhile is counted"
    for row in station.rows("SELECT * FROM session_log"):
        assert row["sent"] == row["considered"] + row["lost"] + row["superseded"], row
    assert kinds(station).count("storage_paused") == kinds(station).count("storage_resumed") == 1
    assert check_database(str(disk / "trails.sqlite")).whole


@pytest.mark.timeout(120)
def test_filled_to_the_last_byte_at_once(disk: Path, short_folder: Path) -> None:
    """Nobody sees it come: the frame in hand is refused, kept, and stored when there is room."""
    sections = {"storage": {"database": f"sqlite:///{disk}/trails.sqlite"}, "alerts": {"sinks": []}}
    with LiveStation(short_folder, **sections) as station:
        station.database = disk / "trails.sqlite"
        station.wait_for_frames(5)
        leave_free(disk, 0)
        station.until(lambda: "make room" in station.log(), "the analysis to say so")
        before = station.rows("SELECT session, frame_index FROM frame_log")
        leave_free(disk, 3 * ALERT)
        station.until(lambda: "storage_resumed" in kinds(station), "it to go on by itself")
        station.wait_for_frames(3)
        after = station.rows("SELECT session, frame_index FROM frame_log")
        assert all(row in after for row in before)
    assert kinds(station).count("storage_paused") == kinds(station).count("storage_resumed")
    assert check_database(str(disk / "trails.sqlite")).whole
