"""A camera that is lost and comes back, a faulty one, and one that is absent at the start: as the analysis hears it."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from monitor.camera import Camera, CameraDescription, FolderCamera
from monitor.camera.pace import Pace
from monitor.clock import SystemClock
from monitor.errors import CameraError, CrystalMonitorError, SourceError
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.grabber import Grabber
from monitor.settings.camera import FolderCameraSettings
from monitor.settings.stream import StreamPolicy, StreamSettings
from monitor.source import FrameSource, Notice, NoticeKind, connect_source

CLOCK = SystemClock()


class BrokenCamera:
    """Gives `frames_each` frames after each open, then raises; `fail_opens` opens fail first."""

    def __init__(self, frames_each: int, fail_opens: int = 0, error: type[Exception] = CameraError) -> None:
        self._frames_each = frames_each
        self._fail_opens = fail_opens
        self._error = error
        self._pace = Pace(CLOCK, 300)
        self._session = ""
        self._index = 0

    def open(self, session: str) -> None:
        self._pace.restart()
        self._session = session
        if self._fail_opens:
            self._fail_opens -= 1
            raise CameraError("no camera answers: plug it in")

    def frames(self) -> Iterator[Frame | FailedFrame]:
        for _ in range(self._frames_each):
            if not self._pace.wait_turn():
                return
            image = np.zeros((300, 300), np.uint8)
            image.flags.writeable = False
            self._index += 1
            yield Frame(image, self._session, self._index - 1, CLOCK.now(), TimeSource.CAMERA)
        raise self._error("the cable was pulled")

    def close(self) -> None:
        self._pace.stop()

    def describe(self) -> CameraDescription:
        return CameraDescription("broken", live=True)


@dataclass
class Stream:
    source: FrameSource
    stop: threading.Event
    thread: threading.Thread
    errors: list[CrystalMonitorError] = field(default_factory=list)


@pytest.fixture
def serve() -> Iterator[Callable[[Camera, str], Stream]]:
    streams: list[Stream] = []
    with tempfile.TemporaryDirectory(prefix="cm") as folder:

        def make(camera: Camera, policy: str, silence_s: float = 5.0) -> Stream:
            settings = StreamSettings(
                endpoint=f"ipc://{folder}/f.ipc",
                policy=StreamPolicy(policy),
                heartbeat_s=0.1,
                silence_s=silence_s,
                reconnect_first_s=0.02,
                reconnect_longest_s=0.05,
                farewell_s=0.2,
            )
            errors: list[CrystalMonitorError] = []
            stop = threading.Event()

            def run() -> None:
                try:
                    Grabber(camera, settings, CLOCK).run(stop)
                except CrystalMonitorError as error:
                    errors.append(error)

            stream = Stream(connect_source(settings, CLOCK), stop, threading.Thread(target=run), errors)
            streams.append(stream)
            stream.source.open()
            stream.thread.start()
            return stream

        yield make
        for stream in streams:
            stream.stop.set()
            stream.thread.join(timeout=10)
            stream.source.close()
            assert not stream.thread.is_alive()


@pytest.mark.parametrize("policy", ["latest", "lossless"])
def test_loss_and_return_are_told_and_numbers_go_on(serve: Callable[..., Stream], policy: str) -> None:
    stream = serve(BrokenCamera(10), policy)
    kinds: list[NoticeKind] = []
    sessions, last, accounted = set(), -1, 0
    end = time.monotonic() + 20
    while kinds.count(NoticeKind.CAMERA_BACK) < 3:
        assert time.monotonic() < end, kinds
        received = stream.source.next(1.0)
        if received is None:
            continue
        accounted += sum(loss.count for loss in received.losses)
        if isinstance(received.item, Notice):
            kinds.append(received.item.kind)
            if received.item.kind is NoticeKind.CAMERA_LOST:
                assert "cable" in received.item.message
        else:
            sessions.add(received.item.session)
            assert received.item.frame_index > last
            last = received.item.frame_index
            accounted += 1
    assert kinds[0] is NoticeKind.SESSION_STARTED
    alternating = [NoticeKind.CAMERA_LOST, NoticeKind.CAMERA_BACK] * 3
    assert kinds[1:7] == alternating
    assert len(sessions) == 1
    assert accounted == last + 1


def test_a_camera_that_is_absent_at_the_start_is_waited_for(serve: Callable[..., Stream]) -> None:
    stream = serve(BrokenCamera(1000, fail_opens=4), "latest")
    kinds: list[NoticeKind] = []
    while stream.source.statistics.received == 0:
        received = stream.source.next(5.0)
        assert received is not None
        if isinstance(received.item, Notice):
            kinds.append(received.item.kind)
    assert kinds[0] is NoticeKind.SESSION_STARTED
    assert kinds[1:] in ([NoticeKind.CAMERA_LOST, NoticeKind.CAMERA_BACK], [])


def test_faulty_camera_code_ends_the_grabber_loudly(serve: Callable[..., Stream]) -> None:
    stream = serve(BrokenCamera(600, error=ZeroDivisionError), "latest")
    kinds = []
    while NoticeKind.SESSION_ENDED not in kinds:
        received = stream.source.next(5.0)
        assert received is not None
        if isinstance(received.item, Notice):
            kinds.append(received.item.kind)
    stream.thread.join(timeout=5)
    (error,) = stream.errors
    assert isinstance(error, CameraError)
    assert not isinstance(error, SourceError)
    assert "ZeroDivisionError" in str(error)


def test_a_grabber_stops_while_its_driver_still_opens(serve: Callable[..., Stream]) -> None:
    class SlowToOpen(BrokenCamera):
        def open(self, session: str) -> None:
            opening.set()
            time.sleep(1.5)
            super().open(session)

    opening = threading.Event()
    stream = serve(SlowToOpen(1000), "latest")
    assert opening.wait(timeout=5)
    received = stream.source.next(5.0)
    assert received is not None, "the grabber answers before its camera does"
    stream.stop.set()
    stream.thread.join(timeout=5)
    assert not stream.thread.is_alive()
    assert not stream.errors


def test_a_camera_that_ends_slowly_makes_no_silence(serve: Callable[..., Stream]) -> None:
    class SlowToEnd(BrokenCamera):
        def frames(self) -> Iterator[Frame | FailedFrame]:
            yield from super().frames()
            time.sleep(2.5)  # a driver's last picture, or a file that is read from a slow share

    stream = serve(SlowToEnd(100_000), "latest", silence_s=0.8)
    while stream.source.statistics.received < 3:
        stream.source.next(1.0)
    begun = time.monotonic()
    stream.stop.set()
    kinds: list[NoticeKind] = []
    while NoticeKind.SESSION_ENDED not in kinds:
        assert time.monotonic() < begun + 20, kinds
        received = stream.source.next(0.2)
        if received is not None and isinstance(received.item, Notice):
            kinds.append(received.item.kind)
    assert time.monotonic() - begun > 2.0, "the control: the camera took its time"
    assert kinds == [NoticeKind.SESSION_ENDED], "the grabber was there all the time"


def test_a_folder_that_is_mounted_late_is_told_and_found(
    serve: Callable[..., Stream], tmp_path: Path
) -> None:
    folder = tmp_path / "share"
    stream = serve(FolderCamera(FolderCameraSettings(folder=folder, poll_interval_s=0.05), CLOCK), "latest")

    def told(kind: NoticeKind) -> str:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            received = stream.source.next(1.0)
            if received is not None and isinstance(received.item, Notice) and received.item.kind is kind:
                return received.item.message
        return "nothing"

    assert f"waiting for the folder '{folder}'" in told(NoticeKind.CAMERA_LOST)
    folder.mkdir()
    assert told(NoticeKind.CAMERA_BACK) == f"folder {folder} is back", "nobody has written into it"
    assert stream.thread.is_alive()
    assert not stream.errors


def test_a_users_mistake_at_the_start_is_raised_as_such(serve: Callable[..., Stream]) -> None:
    class Missing(BrokenCamera):
        def open(self, session: str) -> None:
            raise SourceError("there is no such folder: create it")

    stream = serve(Missing(1), "latest")
    stream.thread.join(timeout=5)
    assert [type(error) for error in stream.errors] == [SourceError]


@pytest.mark.slow
def test_memory_stays_flat_through_frames_and_reconnections(serve: Callable[..., Stream]) -> None:
    stream = serve(BrokenCamera(20), "latest")

    def take(count: int) -> int:
        goal = stream.source.statistics.received + count
        while stream.source.statistics.received < goal:
            stream.source.next(1.0)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    before = take(300)
    after = take(900)
    # 900 frames of 90 kB came and some 45 times the camera was opened anew; the allocator's own play is a few MB.
    assert after - before < 900 * 300 * 300 / 5
