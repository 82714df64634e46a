"""Every source of frames keeps the promises of `FrameSource`: order, no frame twice, an exact ledger, closing."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from monitor.camera import build_camera
from monitor.clock import SystemClock
from monitor.frame import FailedFrame, Frame
from monitor.grabber import Grabber
from monitor.settings.camera import SimulatedCameraSettings
from monitor.settings.simulation import SimulationSettings
from monitor.settings.stream import StreamPolicy, StreamSettings
from monitor.source import FrameSource, Notice, NoticeKind, ReplaySource, connect_source

CLOCK = SystemClock()
FRAMES = 30


@dataclass
class Arranged:
    source: FrameSource
    lossless: bool


def folder_replay(folder: Path) -> FrameSource:
    for number in range(FRAMES):
        cv2.imwrite(str(folder / f"f{number}.png"), np.full((8, 9), number, np.uint8))
    return ReplaySource(folder, CLOCK, interval_s=2.0)


def video_replay(folder: Path) -> FrameSource:
    path = folder / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (32, 24))
    for number in range(FRAMES):
        writer.write(np.full((24, 32, 3), number, np.uint8))
    writer.release()
    return ReplaySource(path, CLOCK)


@pytest.fixture(params=["latest", "lossless", "replay of a folder", "replay of a video"])
def arranged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Arranged]:
    if request.param.startswith("replay"):
        source = folder_replay(tmp_path) if request.param.endswith("folder") else video_replay(tmp_path)
        yield Arranged(source, lossless=True)
        source.close()
        return
    with tempfile.TemporaryDirectory(prefix="cm") as folder:
        settings = StreamSettings(endpoint=f"ipc://{folder}/f.ipc", policy=StreamPolicy(request.param))
        simulation = SimulationSettings(width_px=64, height_px=64)
        camera = SimulatedCameraSettings(
            simulation=simulation, frames_per_s=100, duration_s=(FRAMES - 0.5) / 100
        )
        stop = threading.Event()
        grabber = Grabber(build_camera(camera, CLOCK), settings, CLOCK)
        thread = threading.Thread(target=grabber.run, args=(stop,))
        source = connect_source(settings, CLOCK)
        thread.start()
        yield Arranged(source, lossless=request.param == "lossless")
        source.close()
        stop.set()
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_the_source_keeps_its_promises(arranged: Arranged) -> None:
    source = arranged.source
    assert isinstance(source, FrameSource)
    source.open()
    notices: list[NoticeKind] = []
    expected = 0
    given = lost = 0
    while NoticeKind.SESSION_EXHAUSTED not in notices:
        received = source.next(5.0)
        assert received is not None, "nothing came, and the source had not said that it was at its end"
        for loss in received.losses:
            assert loss.first_index == expected, "losses come before what follows them"
            expected = loss.last_index + 1
            lost += loss.count
        if isinstance(received.item, Notice):
            notices.append(received.item.kind)
        else:
            assert received.item.frame_index == expected, "in order, none twice"
            assert isinstance(received.item, Frame | FailedFrame)
            assert not isinstance(received.item, Frame) or not received.item.image.flags.writeable
            expected += 1
            given += 1
    assert notices[0] is NoticeKind.SESSION_STARTED
    assert expected == FRAMES, "the ledger is exact to the last frame"
    assert source.statistics.received == given
    assert source.statistics.lost == lost
    assert given == FRAMES or not arranged.lossless
    assert source.next(0.05) is None
    source.close()
    source.close()


def test_a_source_without_frames_gives_none_in_time() -> None:
    with tempfile.TemporaryDirectory(prefix="cm") as folder:
        source = connect_source(StreamSettings(endpoint=f"ipc://{folder}/f.ipc"), CLOCK)
        source.open()
        begun = CLOCK.now()
        assert source.next(0.2) is None
        assert 0.15 < CLOCK.now().seconds_since(begun) < 2
        assert not source.finished
        source.close()


def test_a_replay_at_its_end_is_finished(tmp_path: Path) -> None:
    source = folder_replay(tmp_path)
    source.open()
    assert not source.finished, "the control"
    while source.next(1.0) is not None:
        pass
    assert source.finished
