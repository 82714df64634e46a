"""A full disk stops no analysis: whatever it writes waits for room, loudly, and who gives a command is told."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from monitor.analysis import WriteNote, ask_daemon
from monitor.analysis.persistence import NotStoredError
from monitor.clock import SystemClock
from monitor.errors import ControlError, StoreUnusableError
from monitor.settings.station import StationSettings
from monitor.source import NoticeKind
from monitor.store import TrailReader
from tests.scripted_analysis import Scripted, Step, frame, notice, scripted
from tests.small_disk import mounted_disk

CLOCK = SystemClock()


class Disk:
    """A disk that a test fills to the last byte and empties again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as file:
            for size in (65_536, 4_096, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def make_room(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk() -> Iterator[Disk]:
    with mounted_disk(megabytes=3) as folder:
        yield Disk(folder)


class Analysis:
    """The loop in a thread of its own, as the daemon's main thread runs it."""

    def __init__(self, parts: Scripted) -> None:
        self.stop = threading.Event()
        self._thread = threading.Thread(target=parts.loop.run, args=(self.stop,))
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join()

    def ended(self, within_s: float = 20.0) -> bool:
        self._thread.join(within_s)
        return not self._thread.is_alive()


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def refused(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "offered again" in record.getMessage()]


def blank_settings(folder: Path) -> StationSettings:
    """Blind after a moment, so that silence is a change to be stored."""
    database = {"database": f"sqlite:///{folder / 'trails.sqlite'}"}
    return StationSettings.model_validate({"storage": database, "completion": {"blind_after_s": 0.9}})


def silence() -> None:
    time.sleep(1.3)  # silent fields are looked after once a second


NEEDS_ROOM = {
    "the run's first row": 0,
    "the frame in hand": 1,
    "'camera_lost'": 1,
    "the end of a session": 1,
    "a field's silence": 1,
}


def script(what: str, disk: Disk) -> Iterator[Step]:
    """Frames before the disk is full, then what needs room, then a frame to show that it goes on."""
    for index in range(NEEDS_ROOM[what]):
        yield frame(index, CLOCK.now())
    yield disk.fill
    if what == "'camera_lost'":
        yield notice(NoticeKind.CAMERA_LOST, CLOCK.now(), "the cable is out")
    elif what == "the end of a session":
        yield notice(NoticeKind.SESSION_BROKEN, CLOCK.now())
    elif what == "a field's silence":
        yield silence
        yield None
    yield frame(NEEDS_ROOM[what], CLOCK.now())


@pytest.mark.parametrize("what", NEEDS_ROOM)
def test_what_needs_room_waits_for_it(
    what: str, disk: Disk, short_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    settings = blank_settings(disk.folder)
    with (
        scripted(disk.folder, script(what, disk), settings=settings, control=short_folder) as parts,
        Analysis(parts) as analysis,
    ):
        wait_for(lambda: bool(refused(caplog)))
        assert f"{what} is kept and offered again" in refused(caplog)[0], (
            "the control: this write was refused"
        )
        assert "make room" in refused(caplog)[0]
        with pytest.raises(ControlError, match=r"not done: .*make room"):
            ask_daemon(parts.control, WriteNote(text="is anybody there?"), timeout_s=10)
        assert not analysis.ended(within_s=0.1), "it waits"
        disk.make_room()
        assert analysis.ended(), "and goes on when there is room"
        assert parts.loop.progress.frames == NEEDS_ROOM[what] + 1
    with TrailReader(parts.database) as reader:
        events = reader.view("event_log").column("kind")
        assert events.count("run_started") == 1
        assert reader.view("frame_log").column("frame_index") == tuple(range(NEEDS_ROOM[what] + 1))
        assert "is anybody there?" not in reader.view("event_log").column("message")
        if what == "'camera_lost'":
            assert events.count("camera_lost") == 1
        if what == "the end of a session":
            assert reader.view("session_log").column("ended") == ("unknown",)
        if what == "a field's silence":
            states = [
                message for message in reader.view("event_log").column("message") if "blind" in str(message)
            ]
            assert states, "the silence was stored in the end"
    assert any("the store takes" in record.getMessage() for record in caplog.records)


def test_a_stop_ends_the_waiting_and_says_what_is_not_stored(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    steps: list[Step] = [frame(0, CLOCK.now()), disk.fill, frame(1, CLOCK.now()), frame(2, CLOCK.now())]
    with scripted(disk.folder, steps) as parts, Analysis(parts) as analysis:
        wait_for(lambda: bool(refused(caplog)))
        analysis.stop.set()
        assert analysis.ended(5)
        assert "the frame in hand is not stored" in caplog.records[-1].getMessage()
        with pytest.raises(NotStoredError, match="the run's end is not stored"):
            parts.loop.end_run("over", analysis.stop)
        assert parts.keeper.open
        disk.make_room()
        parts.loop.end_run("over", analysis.stop)
        assert not parts.keeper.open
    with TrailReader(parts.database) as reader:
        assert reader.view("frame_log").column("frame_index") == (0,)
        assert reader.view("event_log").column("kind")[-1] == "run_ended"


def test_a_full_disk_at_a_start_is_the_users_to_mend(disk: Disk) -> None:
    with scripted(disk.folder, [frame(0, CLOCK.now())]) as parts:
        parts.loop.run(threading.Event())
    ended = StationSettings.model_validate({"analysis": {"resume": False}})
    with scripted(disk.folder, [], settings=ended) as parts:
        disk.fill()
        with pytest.raises(StoreUnusableError, match="make room"):
            parts.keeper.resume_or_end()
        assert parts.keeper.open
        disk.make_room()
        parts.keeper.resume_or_end()
        assert not parts.keeper.open
