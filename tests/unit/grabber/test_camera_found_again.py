"""A lost camera that opens and gives nothing is not back: it is said to be lost once, and tried less and less often."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import cv2
import numpy as np

from monitor.camera import Camera, FolderCamera, VideoFileCamera
from monitor.clock import SystemClock
from monitor.grabber.acquisition import Acquisition, Phase
from monitor.grabber.hold import LatestHold
from monitor.grabber.statistics import GrabberStatistics
from monitor.settings.camera import FolderCameraSettings, VideoCameraSettings
from monitor.settings.stream import StreamSettings
from monitor.wire import CameraNotice

CLOCK = SystemClock()


class Watched:
    """An acquisition that runs, and what it says."""

    def __init__(self, camera: Camera, folder: Path, longest_s: float = 60.0) -> None:
        self.statistics = GrabberStatistics()
        self._news = threading.Event()
        settings = StreamSettings(
            endpoint=f"ipc://{folder}/f.ipc", reconnect_first_s=0.05, reconnect_longest_s=longest_s
        )
        self.acquisition = Acquisition(
            camera=camera,
            session="a" * 32,
            hold=LatestHold(),
            settings=settings,
            clock=CLOCK,
            statistics=self.statistics,
            on_index=lambda _: None,
            wake=self._news.set,
        )
        self.acquisition.start()

    def notices(self) -> list[CameraNotice]:
        told: list[CameraNotice] = []
        while (notice := self.acquisition.notice_after(told[-1].serial if told else 0)) is not None:
            told.append(notice)
        return told

    def until(self, running: list[bool]) -> list[CameraNotice]:
        end = time.monotonic() + 20
        while [notice.running for notice in self.notices()] != running:
            assert time.monotonic() < end, self.notices()
            time.sleep(0.01)
        return self.notices()


def test_a_video_that_opens_and_cannot_be_read_stays_lost(tmp_path: Path) -> None:
    film = tmp_path / "a.avi"
    film.write_bytes(b"RIFF" + b"\0" * 4000)
    settings = VideoCameraSettings(kind="video", source=str(film), paced=False)
    watched = Watched(VideoFileCamera(settings, CLOCK), tmp_path)
    try:
        begun = time.monotonic()
        watched.until([False])
        while watched.acquisition.attempts < 4:
            assert time.monotonic() < begun + 20
            time.sleep(0.01)
        assert time.monotonic() - begun >= 0.05 + 0.1 + 0.2, "the wait doubles though it opens"
        assert [notice.running for notice in watched.notices()] == [False]
        assert watched.statistics.camera_losses == 1
        whole = tmp_path / "whole.avi"
        writer = cv2.VideoWriter(str(whole), cv2.VideoWriter.fourcc(*"MJPG"), 25, (32, 24))
        for number in range(5):
            writer.write(np.full((24, 32, 3), number, np.uint8))
        writer.release()
        whole.replace(film)
        watched.until([False, True])
        while watched.acquisition.phase is Phase.RUNNING:
            assert time.monotonic() < begun + 40
            time.sleep(0.01)
        assert watched.statistics.grabbed == 5
        assert watched.statistics.camera_losses == 1
    finally:
        watched.acquisition.stop()


def test_a_folder_is_back_before_anybody_writes_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "share"
    watched = Watched(FolderCamera(FolderCameraSettings(folder=folder), CLOCK), tmp_path, longest_s=0.1)
    try:
        watched.until([False])
        folder.mkdir()
        watched.until([False, True])
        assert watched.statistics.grabbed == 0
        folder.rmdir()
        assert watched.until([False, True, False])[-1].message.startswith(
            f"the folder '{folder}' can no longer"
        )
    finally:
        watched.acquisition.stop()
