"""Every camera keeps the promises of `Camera`; and a camera that breaks one is caught."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from monitor.camera import (
    Camera,
    CameraDescription,
    FolderCamera,
    SimulatedCamera,
    VideoDeviceCamera,
    VideoFileCamera,
)
from monitor.camera.pace import Pace
from monitor.clock import SystemClock
from monitor.errors import SourceError
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.settings.camera import (
    FolderCameraSettings,
    SimulatedCameraSettings,
    TimeReading,
    VideoCameraSettings,
)
from monitor.settings.simulation import SimulationSettings

SESSION = "a" * 32
OTHER_SESSION = "b" * 32
CLOCK = SystemClock()


class RepeatingCapture:
    """A driver that gives a picture every 5 ms, as cv2.VideoCapture does."""

    def __init__(self) -> None:
        self._picture = np.zeros((20, 30, 3), np.uint8)
        self._picture[..., 0] = 200  # blue, in OpenCV's order

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.005)
        return True, self._picture

    def set(self, property_id: int, value: float, /) -> bool:
        return True

    def release(self) -> None:
        pass


class BrokenCamera:
    """Keeps all promises, but for one that is broken on purpose."""

    def __init__(self, broken: str = "") -> None:
        self._broken = broken
        self._pace = Pace(CLOCK, 200)
        self._session = ""
        self._index = 0

    def open(self, session: str) -> None:
        if session != self._session or self._broken == "numbers restart":
            self._session, self._index = session, 0
        self._pace.restart()

    def frames(self) -> Iterator[Frame | FailedFrame]:
        while self._pace.wait_turn() or self._broken == "deaf to close":
            image = np.zeros((8, 8), np.float32 if self._broken == "wrong type" else np.uint8)
            image.flags.writeable = self._broken == "writable"
            session = OTHER_SESSION if self._broken == "wrong session" else self._session
            index = self._index
            self._index += 0 if self._broken == "numbers repeat" else 1
            yield Frame(image, session, index, CLOCK.now(), TimeSource.CAMERA)  # type: ignore[arg-type]

    def close(self) -> None:
        self._pace.stop()

    def describe(self) -> CameraDescription:
        return CameraDescription("broken camera", live=True)


def small_simulation() -> Camera:
    simulation = SimulationSettings(width_px=64, height_px=64)
    return SimulatedCamera(SimulatedCameraSettings(simulation=simulation, frames_per_s=100), CLOCK)


def full_folder(tmp_path: Path) -> Camera:
    for number in range(40):
        cv2.imwrite(str(tmp_path / f"f{number}_t{number}s.png"), np.full((8, 9), number, np.uint8))
    settings = FolderCameraSettings(
        folder=tmp_path, existing=True, settle_s=0, poll_interval_s=0.05, frames_per_s=100
    )
    return FolderCamera(settings, CLOCK)


def long_video(tmp_path: Path) -> Camera:
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50, (32, 24))
    for number in range(100):
        writer.write(np.full((24, 32, 3), number, np.uint8))
    writer.release()
    return VideoFileCamera(VideoCameraSettings(source=str(path)), CLOCK)


CAMERAS: dict[str, Callable[[Path], Camera]] = {
    "simulated": lambda _: small_simulation(),
    "folder": full_folder,
    "video file": long_video,
    "video device": lambda _: VideoDeviceCamera(
        VideoCameraSettings(source=0), CLOCK, lambda _: RepeatingCapture()
    ),
    "steady": lambda _: BrokenCamera(),
}


@pytest.fixture(params=CAMERAS)
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Camera]:
    made = CAMERAS[request.param](tmp_path)
    yield made
    made.close()


def check(camera: Camera) -> None:
    """The contract of `Camera`, as far as it can be seen from outside."""
    assert isinstance(camera, Camera)
    name = camera.describe().name
    camera.open(SESSION)
    first = list(itertools.islice(camera.frames(), 5))
    camera.close()
    camera.close()
    camera.open(SESSION)
    again = list(itertools.islice(camera.frames(), 3))
    camera.close()
    frames = [frame for frame in first + again if isinstance(frame, Frame)]
    assert len(first) == 5
    assert len(frames) == 8
    assert first[0].frame_index == 0, "numbers begin at 0"
    numbers = [frame.frame_index for frame in frames]
    assert numbers == sorted(set(numbers)), "numbers increase, and go on where the session goes on"
    for frame in frames:
        assert frame.session == SESSION
        assert frame.image.dtype in (np.uint8, np.uint16)
        assert frame.image.ndim == 2 or frame.image.shape[2:] == (3,)
        assert frame.image.flags.c_contiguous
        assert not frame.image.flags.writeable, "images never change"
        assert isinstance(frame.time_source, TimeSource)
    moments = [frame.captured.utc_ns for frame in first]
    assert moments == sorted(moments)
    assert camera.describe().name == name
    camera.open(OTHER_SESSION)
    other = next(iter(camera.frames()))
    camera.close()
    assert (other.session, other.frame_index) == (OTHER_SESSION, 0), "a new session begins at 0"
    check_close(camera)


def check_close(camera: Camera) -> None:
    camera.open("c" * 32)
    closer = threading.Timer(0.2, camera.close)
    closer.start()
    begun = time.monotonic()
    for _ in camera.frames():
        assert time.monotonic() - begun < 3, "close does not end the frames"
    closer.join()
    assert time.monotonic() - begun < 1.5, "close ends the frames within a second"


def test_the_camera_keeps_its_promises(camera: Camera) -> None:
    check(camera)


@pytest.mark.parametrize(
    "broken",
    ["numbers restart", "numbers repeat", "wrong session", "wrong type", "writable", "deaf to close"],
)
def test_a_broken_promise_is_noticed(broken: str) -> None:
    with pytest.raises(AssertionError):
        check(BrokenCamera(broken))


@pytest.mark.parametrize(
    "make",
    [
        lambda p: FolderCamera(
            FolderCameraSettings(folder=p, time=TimeReading(timestamps=p / "absent.csv")), CLOCK
        ),
        lambda p: VideoFileCamera(VideoCameraSettings(source=str(p / "absent.avi")), CLOCK),
    ],
)
def test_a_missing_source_is_the_users_mistake(make: Callable[[Path], Camera], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="absent"):
        make(tmp_path).open(SESSION)
