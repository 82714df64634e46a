"""What a stopped grabber had read ahead is lost where it never comes again, and only there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from monitor.camera import Camera, CameraDescription, FolderCamera
from monitor.clock import SystemClock
from monitor.frame import Frame
from monitor.grabber import Grabber
from monitor.settings.camera import FolderCameraSettings, TimeOrder, TimeReading
from monitor.settings.stream import StreamPolicy, StreamSettings
from monitor.source import FrameSource, Notice, NoticeKind, ResumePoint, connect_source

CLOCK = SystemClock()
IMAGES = 9
READ_AHEAD = 3
"""Two in the hold, and one that waits for room."""


class ForgetfulFolder(FolderCamera):
    """Brings no image twice."""

    def describe(self) -> CameraDescription:
        return CameraDescription("forgetful", live=False)


@contextmanager
def served(camera: Camera, stream: StreamSettings) -> Iterator[Grabber]:
    stop = threading.Event()
    grabber = Grabber(camera, stream, CLOCK)
    thread = threading.Thread(target=grabber.run, args=(stop,))
    thread.start()
    try:
        yield grabber
    finally:
        stop.set()
        thread.join(timeout=20)
        assert not thread.is_alive()


def take(source: FrameSource, count: int) -> list[str]:
    """The next images' names."""
    names: list[str] = []
    while len(names) < count:
        received = source.next(20.0)
        assert received is not None
        assert not received.losses
        if isinstance(received.item, Frame):
            names.append(received.item.source_name)
    return names


def lost_by_goodbye(source: FrameSource) -> int:
    received = source.next(5.0)
    assert received is not None
    assert isinstance(received.item, Notice)
    assert received.item.kind is NoticeKind.SESSION_ENDED
    return sum(loss.count for loss in received.losses)


@pytest.mark.parametrize(("kind", "lost"), [(FolderCamera, 0), (ForgetfulFolder, READ_AHEAD - 1)])
def test_a_stop_with_a_backlog(
    kind: type[FolderCamera], lost: int, tmp_path: Path, short_folder: Path
) -> None:
    names = [f"f_t{number}s.png" for number in range(IMAGES)]
    for name in names:
        cv2.imwrite(str(tmp_path / name), np.full((8, 9), 7, np.uint8))
    settings = FolderCameraSettings(
        folder=tmp_path,
        existing=True,
        settle_s=0.0,
        poll_interval_s=0.05,
        time=TimeReading(order=(TimeOrder.FILE_NAME,)),
    )
    stream = StreamSettings(
        endpoint=f"ipc://{short_folder}/f.ipc", policy=StreamPolicy.LOSSLESS, farewell_s=0.1
    )
    source = connect_source(stream, CLOCK)
    source.open()
    with served(kind(settings, CLOCK), stream) as grabber:
        assert take(source, 2) == names[:2]
        end = time.monotonic() + 20
        while grabber.statistics.newest_index < READ_AHEAD:  # the first is done with, the second in hand
            assert time.monotonic() < end, "nothing was read ahead"
            time.sleep(0.01)
        session = grabber.statistics.session
    assert lost_by_goodbye(source) == lost
    source.close()
    # An analysis that did not hear the goodbye learns the same from the next session.
    late = connect_source(stream, CLOCK, resume=[ResumePoint(session, 1)])
    late.open()
    with served(kind(settings, CLOCK), stream):
        given: list[str] = []
        unknown = 0
        while len(given) < IMAGES:
            received = late.next(20.0)
            assert received is not None
            unknown += sum(loss.count for loss in received.losses)
            if isinstance(received.item, Frame):
                given.append(received.item.source_name)
    assert given == names
    assert unknown == lost
    late.close()
