"""Video devices that lag, end, hang and come back; plugins; what settings become which camera."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from monitor.camera import (
    FolderCamera,
    SimulatedCamera,
    VideoDeviceCamera,
    VideoFileCamera,
    build_camera,
    plugins,
)
from monitor.clock import Clock, SystemClock
from monitor.errors import CameraError, SourceError
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.settings.camera import (
    FolderCameraSettings,
    PluginCameraSettings,
    SimulatedCameraSettings,
    VideoCameraSettings,
)
from monitor.settings.simulation import SimulationSettings

SESSION = "a" * 32
CLOCK = SystemClock()


class BrokenCapture:
    """A driver that gives `pictures` pictures, 2 ms apart, and then ends or hangs."""

    def __init__(self, pictures: int, hang: threading.Event | None = None) -> None:
        self._left = pictures
        self._hang = hang
        self._count = 0
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def read(self) -> tuple[bool, Any]:
        if self._left == 0:
            if self._hang is not None:
                self._hang.wait()
            return False, None
        time.sleep(0.002)
        self._left -= 1
        self._count += 1
        return True, np.full((4, 5, 3), self._count % 256, np.uint8)

    def set(self, property_id: int, value: float, /) -> bool:
        return True

    def release(self) -> None:
        self.released = True


def device(capture: Callable[[int | str], Any], **settings: Any) -> VideoDeviceCamera:
    return VideoDeviceCamera(VideoCameraSettings(source=0, **settings), CLOCK, capture)


def test_a_slow_taker_gets_new_pictures_and_gaps_in_the_numbers() -> None:
    camera = device(lambda _: BrokenCapture(10_000))
    camera.open(SESSION)
    ages_s, numbers = [], []
    for frame in itertools.islice(camera.frames(), 5):
        ages_s.append(CLOCK.now().seconds_since(frame.captured))
        numbers.append(frame.frame_index)
        time.sleep(0.1)
    camera.close()
    assert min(np.diff(numbers)) > 5, "the control: pictures were passed over"
    assert sorted(ages_s)[2] < 0.05


def test_an_unplugged_device_comes_back_with_its_numbers() -> None:
    captures: list[BrokenCapture] = []

    def plug(_: int | str) -> BrokenCapture:
        captures.append(BrokenCapture(20))
        return captures[-1]

    camera = device(plug)
    last = -1
    for _ in range(30):
        camera.open(SESSION)
        frames = camera.frames()
        numbers: list[int] = []
        with pytest.raises(CameraError, match="no more pictures"):
            numbers.extend(frame.frame_index for frame in frames)
        camera.close()
        assert numbers == sorted(numbers)
        assert last < numbers[0]
        last = numbers[-1]
    assert last < 30 * 20
    assert all(capture.released for capture in captures)
    assert sum(thread.name == "video drain" for thread in threading.enumerate()) == 0


def test_a_hanging_driver_is_noticed_and_not_piled_up() -> None:
    hang = threading.Event()
    camera = device(lambda _: BrokenCapture(3, hang), silence_s=0.3)
    camera.open(SESSION)
    with pytest.raises(CameraError, match="no picture for"):
        list(camera.frames())
    camera.close()
    for _ in range(3):
        with pytest.raises(CameraError, match="hangs"):
            camera.open(SESSION)
    hang.set()
    time.sleep(0.2)
    camera.open(SESSION)
    camera.close()


def test_a_limit_of_frames_per_second_takes_the_newest() -> None:
    camera = device(lambda _: BrokenCapture(10_000), frames_per_s=20)
    camera.open(SESSION)
    begun = time.monotonic()
    frames = list(itertools.islice(camera.frames(), 7))
    camera.close()
    assert time.monotonic() - begun >= 0.25
    assert frames[-1].frame_index > 20


def test_a_device_that_is_not_there() -> None:
    camera = build_camera(VideoCameraSettings(source="/dev/video_absent"), CLOCK)
    assert isinstance(camera, VideoDeviceCamera)
    with pytest.raises(CameraError, match="video_absent cannot be opened"):
        camera.open(SESSION)


class _Motion(BaseHTTPRequestHandler):
    """An MJPEG stream of 60 pictures."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        try:
            for number in range(60):
                data = cv2.imencode(".jpg", np.full((48, 64, 3), 4 * number, np.uint8))[1].tobytes()
                head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                self.wfile.write(head.encode() + data + b"\r\n")
                time.sleep(0.01)
        except OSError:
            pass

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def stream_address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Motion)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://user:secret@127.0.0.1:{server.server_address[1]}/stream.mjpg"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_real_network_stream(stream_address: str) -> None:
    camera = build_camera(VideoCameraSettings(source=stream_address, silence_s=5), CLOCK)
    assert "secret" not in camera.describe().name
    camera.open(SESSION)
    frames: list[Frame | FailedFrame] = []
    with pytest.raises(CameraError, match="no more pictures"):
        frames.extend(camera.frames())
    camera.close()
    assert len(frames) > 5
    assert all(isinstance(frame, Frame) and frame.image.shape == (48, 64, 3) for frame in frames)
    assert {frame.time_source for frame in frames if isinstance(frame, Frame)} == {TimeSource.CAMERA}


def test_colours_are_red_green_blue() -> None:
    class Blue(BrokenCapture):
        def read(self) -> tuple[bool, Any]:
            whole, picture = super().read()
            picture[...] = (255, 0, 0)
            return whole, picture

    camera = device(lambda _: Blue(100))
    camera.open(SESSION)
    frame = next(camera.frames())
    camera.close()
    assert isinstance(frame, Frame)
    assert frame.image[0, 0].tolist() == [0, 0, 255]


def test_a_video_file_has_its_own_times(tmp_path: Path) -> None:
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (32, 24))
    for number in range(6):
        writer.write(np.full((24, 32, 3), 40 * number, np.uint8))
    writer.release()
    camera = build_camera(VideoCameraSettings(source=str(path), paced=False), CLOCK)
    assert isinstance(camera, VideoFileCamera)
    camera.open(SESSION)
    frames = list(camera.frames())
    assert [frame.captured.utc_ns / 1e9 for frame in frames] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    path.write_bytes(b"no video")
    camera.open("b" * 32)
    with pytest.raises(CameraError, match="cannot be read as a video"):
        next(camera.frames())


class Minimal:
    """The least that is a camera."""

    def __init__(self, settings: PluginCameraSettings, clock: Clock) -> None:
        self.options = settings.options

    def open(self, session: str) -> None: ...

    def frames(self) -> Iterator[Any]:
        return iter(())

    def close(self) -> None: ...

    def describe(self) -> Any: ...


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points as installed packages would have them."""
    named = {
        "minimal": f"{__name__}:Minimal",
        "absent": "no_such_package:Camera",
        "no-camera": "builtins:dict",
        "other-arguments": "builtins:len",
    }
    entries = tuple(EntryPoint(name, value, plugins.ENTRY_POINTS) for name, value in named.items())
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries)


def test_a_plugin_is_loaded_by_name(installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EntryPoint, "load", lambda self: Minimal)
    camera = build_camera(PluginCameraSettings(name="minimal", options={"gain": 3}), CLOCK)
    assert isinstance(camera, Minimal)
    assert camera.options == {"gain": 3}


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("minimel", "available: absent, minimal, no-camera, other-arguments"),
        ("absent", "no_such_package"),
        ("other-arguments", "cannot be made"),
        ("no-camera", "cannot be made|is no camera"),
    ],
)
def test_a_plugin_that_fails_says_so(name: str, match: str, installed: None) -> None:
    with pytest.raises(SourceError, match=match):
        build_camera(PluginCameraSettings(name=name), CLOCK)


def test_no_plugin_installed_is_said() -> None:
    with pytest.raises(SourceError, match="none is installed"):
        build_camera(PluginCameraSettings(name="x"), CLOCK)


def test_settings_become_cameras(tmp_path: Path) -> None:
    assert isinstance(build_camera(FolderCameraSettings(folder=tmp_path), CLOCK), FolderCamera)
    assert isinstance(build_camera(SimulatedCameraSettings(), CLOCK), SimulatedCamera)


def test_simulated_time_is_its_own() -> None:
    settings = SimulatedCameraSettings(
        simulation=SimulationSettings(width_px=32, height_px=32),
        frames_per_s=200,
        time_compression=600,
        duration_s=9,
    )
    camera = build_camera(settings, CLOCK)
    camera.open(SESSION)
    frames = list(camera.frames())
    assert [frame.captured.seconds_since(frames[0].captured) for frame in frames] == [0, 3, 6, 9]
    assert not frames[0].captured.shares_boot(CLOCK.now()), "simulated and real seconds never mix"
    assert all(isinstance(frame, Frame) and frame.time_source is TimeSource.SIMULATED for frame in frames)


def test_an_experiment_goes_on_while_its_grabber_is_away() -> None:
    def first(session: str, began_s_ago: float) -> float:
        settings = SimulatedCameraSettings.model_validate(
            {
                "simulation": {"width_px": 32, "height_px": 32},
                "frames_per_s": 2,
                "time_compression": 60,
                "started_at": CLOCK.now().utc.timestamp() - began_s_ago,
            }
        )
        camera = build_camera(settings, CLOCK)
        camera.open(session)
        frame = next(iter(camera.frames()))
        camera.close()
        assert frame.frame_index == 0
        return frame.captured.boottime_ns / 1e9 if frame.captured.boottime_ns is not None else -1

    assert first("b" * 32, 10) == pytest.approx(10 * 60, abs=60)
    assert first("c" * 32, 100) == pytest.approx(100 * 60, abs=60)


def test_presets_and_seeds() -> None:
    camera = build_camera(SimulatedCameraSettings(preset="demo", seed=77), CLOCK)
    assert isinstance(camera, SimulatedCamera)
    assert camera.simulation.seed == 77
    with pytest.raises(SourceError, match="one of demo"):
        build_camera(SimulatedCameraSettings(preset="deno"), CLOCK)
    with pytest.raises(ValueError, match="both given"):
        SimulatedCameraSettings(preset="demo", simulation=SimulationSettings(seed=2))
