"""The watched folder: half-written files, hopeless files, order, times."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from monitor.camera import FolderCamera
from monitor.clock import Instant
from monitor.errors import CameraError, SourceError
from monitor.frame import FailedFrame, FailureCause, Frame, TimeSource
from monitor.settings.camera import FolderCameraSettings, TimeOrder, TimeReading

SESSION = "a" * 32
PNG = cv2.imencode(".png", np.full((6, 7), 9, np.uint8))[1].tobytes()
BY_FILE_TIME = TimeReading(order=(TimeOrder.FILE_TIME,))


class ScriptedClock:
    """Time passes only while somebody sleeps; whatever is due by then happens."""

    def __init__(self) -> None:
        self._now_s = 1000.0
        self._due: list[tuple[float, Callable[[], object]]] = []

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        self._due.append((1000.0 + seconds, action))
        self._due.sort(key=lambda entry: entry[0])

    def now(self) -> Instant:
        return Instant(round(self._now_s * 1e9), round(self._now_s * 1e9), "boot")

    def sleep(self, seconds: float) -> None:
        self._now_s += seconds
        while self._due and self._due[0][0] <= self._now_s:
            self._due.pop(0)[1]()


def watch(
    folder: Path, script: Callable[[ScriptedClock], None], until_s: float = 30, **settings: object
) -> list[Frame | FailedFrame]:
    """What a camera on that folder gives while the script plays."""
    clock = ScriptedClock()
    script(clock)
    chosen = {"time": BY_FILE_TIME, **settings}
    camera = FolderCamera(FolderCameraSettings.model_validate({"folder": folder, **chosen}), clock)
    clock.at(until_s, camera.close)
    camera.open(SESSION)
    return list(camera.frames())


def test_new_files_come_once_each_in_natural_order(tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(PNG)

    def script(clock: ScriptedClock) -> None:
        for name in ("f10.png", "f9.png", "notes.txt", ".f1.png"):
            clock.at(1, lambda name=name: (tmp_path / name).write_bytes(PNG))  # type: ignore[misc]
        clock.at(5, lambda: (tmp_path / "f11.png").write_bytes(PNG))

    frames = watch(tmp_path, script)
    assert [frame.source_name for frame in frames] == ["f9.png", "f10.png", "f11.png"]
    assert [frame.frame_index for frame in frames] == [0, 1, 2]
    assert all(isinstance(frame, Frame) and frame.time_source is TimeSource.FILE_TIME for frame in frames)
    existing = watch(tmp_path, lambda clock: None, existing=True)
    assert [frame.source_name for frame in existing] == ["f9.png", "f10.png", "f11.png", "old.png"]


def test_a_file_that_is_written_slowly_comes_whole(tmp_path: Path) -> None:
    path = tmp_path / "slow.png"

    def script(clock: ScriptedClock) -> None:
        for step in range(8):
            part = PNG[: len(PNG) * (step + 1) // 8]
            # Pauses longer than settle_s: size and time alone do not tell that it is unfinished.
            clock.at(1 + 3 * step, lambda part=part: path.write_bytes(part))  # type: ignore[misc]

    (frame,) = watch(tmp_path, script, until_s=60, settle_s=1)
    assert isinstance(frame, Frame)
    assert (frame.image == 9).all()


@pytest.mark.parametrize("content", [b"", PNG[:-9], b"no image at all"], ids=["empty", "cut", "junk"])
def test_a_hopeless_file_is_counted_and_the_run_goes_on(content: bytes, tmp_path: Path) -> None:
    def script(clock: ScriptedClock) -> None:
        clock.at(1, lambda: (tmp_path / "a.png").write_bytes(content))
        clock.at(2, lambda: (tmp_path / "b.png").write_bytes(PNG))

    first, second = watch(tmp_path, script, give_up_s=10)
    assert isinstance(first, Frame), "a good file does not wait for a bad one"
    assert isinstance(second, FailedFrame)
    assert (first.source_name, second.source_name) == ("b.png", "a.png")
    assert second.cause is FailureCause.UNREADABLE
    assert second.reason
    assert second.frame_index == 1


def test_a_file_without_a_time_fails_and_none_is_invented(tmp_path: Path) -> None:
    def script(clock: ScriptedClock) -> None:
        for name in ("a_t1s.png", "b.png", "c_t3s.png"):
            clock.at(1, lambda name=name: (tmp_path / name).write_bytes(PNG))  # type: ignore[misc]

    frames = watch(tmp_path, script, time=TimeReading())
    assert [type(frame) for frame in frames] == [Frame, FailedFrame, Frame]
    failed = frames[1]
    assert isinstance(failed, FailedFrame)
    assert failed.cause is FailureCause.NO_TIME


def test_a_timestamps_file_serves_files_that_come_later(tmp_path: Path) -> None:
    stamps = tmp_path / "timestamps.csv"
    stamps.write_text("file,seconds\na.png,5\nb.png,6.5\n")

    def script(clock: ScriptedClock) -> None:
        for name in ("a.png", "b.png", "c.png"):
            clock.at(1, lambda name=name: (tmp_path / name).write_bytes(PNG))  # type: ignore[misc]

    a, b, c = watch(tmp_path, script, time=TimeReading(timestamps=stamps))
    assert isinstance(a, Frame)
    assert isinstance(b, Frame)
    assert isinstance(c, FailedFrame)
    assert a.time_source is TimeSource.TIMESTAMPS_FILE
    assert b.captured.seconds_since(a.captured) == 1.5
    stamps.write_text("file,seconds\na.png,5\nb.png,5\n")
    with pytest.raises(SourceError, match="increase"):
        watch(tmp_path, script, time=TimeReading(timestamps=stamps))


def test_a_folder_that_goes_away_is_a_lost_camera_that_comes_back(tmp_path: Path) -> None:
    folder, away = tmp_path / "share", tmp_path / "away"
    folder.mkdir()
    clock = ScriptedClock()
    camera = FolderCamera(FolderCameraSettings(folder=folder, time=BY_FILE_TIME), clock)
    camera.open(SESSION)
    clock.at(1, lambda: (folder / "a.png").write_bytes(PNG))
    clock.at(8, lambda: folder.rename(away))
    frames = camera.frames()
    assert next(frames).source_name == "a.png"
    with pytest.raises(CameraError, match="no longer"):
        next(frames)
    camera.close()
    away.rename(folder)
    (folder / "b.png").write_bytes(PNG)
    camera.open(SESSION)
    frame = next(camera.frames())
    assert (frame.source_name, frame.frame_index) == ("b.png", 1), "what came meanwhile is not missed"


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "share"
    clock = ScriptedClock()
    camera = FolderCamera(FolderCameraSettings(folder=folder, time=BY_FILE_TIME), clock)
    for _ in range(2):
        with pytest.raises(CameraError, match=r"waiting for the folder .*share.*: mount its network share"):
            camera.open(SESSION)
        camera.close()
    folder.mkdir()
    (folder / "old.png").write_bytes(PNG)
    camera.open(SESSION)
    clock.at(5, lambda: (folder / "new.png").write_bytes(PNG))
    assert next(camera.frames()).source_name == "new.png"


def test_a_file_in_the_place_of_the_folder_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    camera = FolderCamera(FolderCameraSettings(folder=tmp_path / "file", time=BY_FILE_TIME), ScriptedClock())
    with pytest.raises(SourceError, match=r"is no folder: correct camera\.folder"):
        camera.open(SESSION)


def test_deleted_files_need_no_memory_and_may_come_again(tmp_path: Path) -> None:
    path = tmp_path / "latest.png"

    def script(clock: ScriptedClock) -> None:
        for turn in range(3):
            clock.at(1 + 8 * turn, lambda: path.write_bytes(PNG))
            clock.at(5 + 8 * turn, path.unlink)

    assert len(watch(tmp_path, script, until_s=40)) == 3


def test_an_unreadable_file_is_a_failed_frame(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        target = tmp_path / "loop.png"
        target.symlink_to(target)
        assert watch(tmp_path, lambda clock: None, existing=True) == [], "a broken link is no file"
        return
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    path.chmod(0)
    (frame,) = watch(tmp_path, lambda clock: None, existing=True)
    assert isinstance(frame, FailedFrame)


def test_two_pages_are_two_frames(tmp_path: Path) -> None:
    pages = [np.full((5, 6), value, np.uint16) for value in (1, 2)]
    cv2.imwritemulti(str(tmp_path / "pages.tif"), pages)
    stamps = tmp_path / "timestamps.csv"
    stamps.write_text("file,seconds\npages.tif#0,0\npages.tif#1,4\n")
    frames = watch(tmp_path, lambda clock: None, existing=True, time=TimeReading(timestamps=stamps))
    assert [frame.source_name for frame in frames] == ["pages.tif#0", "pages.tif#1"]
    assert frames[1].captured.seconds_since(frames[0].captured) == 4


def test_colour_and_depth_may_change_within_a_run(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 5), np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((4, 5), np.uint16))
    cv2.imwrite(str(tmp_path / "c.jpg"), np.zeros((8, 5, 3), np.uint8))
    frames = watch(tmp_path, lambda clock: None, existing=True)
    shapes = [(frame.image.shape, frame.image.dtype.name) for frame in frames if isinstance(frame, Frame)]
    assert shapes == [((4, 5), "uint8"), ((4, 5), "uint16"), ((8, 5, 3), "uint8")]


@pytest.fixture
def real_writer(tmp_path: Path) -> Iterator[Path]:
    """Writes ten images in the way of slow microscope software."""

    def write() -> None:
        for number in range(10):
            data = cv2.imencode(".tif", np.full((50, 50), number, np.uint16))[1].tobytes()
            with (tmp_path / f"f{number}.tif").open("wb") as file:
                for start in range(0, len(data), 2000):
                    file.write(data[start : start + 2000])
                    file.flush()

    thread = threading.Thread(target=write)
    thread.start()
    yield tmp_path
    thread.join()


def test_against_a_real_clock_and_writer(real_writer: Path) -> None:
    from monitor.clock import SystemClock

    settings = FolderCameraSettings(
        folder=real_writer, existing=True, settle_s=0.05, poll_interval_s=0.02, time=BY_FILE_TIME
    )
    camera = FolderCamera(settings, SystemClock())
    camera.open(SESSION)
    frames = list(itertools.islice(camera.frames(), 10))
    camera.close()
    values = {int(frame.image[0, 0]) for frame in frames if isinstance(frame, Frame)}
    assert values == set(range(10))


def test_a_failure_without_a_time_stays_in_the_time_of_the_files(tmp_path: Path) -> None:
    def script(clock: ScriptedClock) -> None:
        clock.at(1, lambda: (tmp_path / "Early.png").write_bytes(b"junk"))
        for at_s, name in ((20, "f_t60s.png"), (21, "f_t120s.png"), (40, "f_t180s.png")):
            clock.at(at_s, lambda name=name: (tmp_path / name).write_bytes(PNG))  # type: ignore[misc]
        clock.at(22, lambda: (tmp_path / "Thumbs.png").write_bytes(b"junk"))
        clock.at(23, lambda: (tmp_path / "f_t90s.png").write_bytes(PNG[:-9]))

    frames = watch(tmp_path, script, until_s=60, give_up_s=5, time=TimeReading(order=(TimeOrder.FILE_NAME,)))
    assert [(frame.source_name, frame.captured.utc_ns / 1e9, frame.time_source) for frame in frames] == [
        ("Early.png", 60, TimeSource.NEIGHBOUR),
        ("f_t60s.png", 60, TimeSource.FILE_NAME),
        ("f_t120s.png", 120, TimeSource.FILE_NAME),
        ("Thumbs.png", 120, TimeSource.NEIGHBOUR),
        ("f_t90s.png", 90, TimeSource.FILE_NAME),
        ("f_t180s.png", 180, TimeSource.FILE_NAME),
    ]
    assert [type(frame) for frame in frames] == [FailedFrame, Frame, Frame, FailedFrame, FailedFrame, Frame]
    assert [frame.frame_index for frame in frames] == list(range(6))
    assert all(frame.captured.boot_id == "" for frame in frames), "none is measured on the machine's clock"


def test_images_of_which_none_has_a_time_fail_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    (frame,) = watch(
        tmp_path, lambda clock: None, existing=True, time=TimeReading(order=(TimeOrder.FILE_NAME,))
    )
    assert isinstance(frame, FailedFrame)
    assert (frame.cause, frame.time_source) == (FailureCause.NO_TIME, TimeSource.CAMERA)
