"""A grabber process for the stream tests: a steady camera of grey frames, its number written into every frame.

Arguments: endpoint, policy, frames per second, number of frames (0: no end), side in pixels.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator

import numpy as np

from monitor.camera import CameraDescription
from monitor.camera.pace import Pace
from monitor.clock import SystemClock
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.grabber import Grabber
from monitor.settings.stream import StreamPolicy, StreamSettings


class SteadyCamera:
    """Frames at a steady pace; every seventh fails."""

    def __init__(self, clock: SystemClock, frames_per_s: float, count: int, side_px: int) -> None:
        self._clock = clock
        self._pace = Pace(clock, frames_per_s)
        self._count = count
        self._side_px = side_px
        self._session = ""
        self._index = 0

    def open(self, session: str) -> None:
        self._pace.restart()
        self._session = session

    def frames(self) -> Iterator[Frame | FailedFrame]:
        while (not self._count or self._index < self._count) and self._pace.wait_turn():
            captured = self._clock.now()
            index = self._index
            self._index += 1
            if index % 7 == 6:
                yield FailedFrame(self._session, index, captured, "every seventh frame fails")
                continue
            image = np.full((self._side_px, self._side_px), index % 65_536, np.uint16)
            image.flags.writeable = False
            yield Frame(image, self._session, index, captured, TimeSource.CAMERA, camera="steady")

    def close(self) -> None:
        self._pace.stop()

    def describe(self) -> CameraDescription:
        return CameraDescription("steady", live=True)


def main() -> None:
    endpoint, policy, frames_per_s, count, side_px = sys.argv[1:6]
    settings = StreamSettings(endpoint=endpoint, policy=StreamPolicy(policy), heartbeat_s=0.2, silence_s=1.0)
    clock = SystemClock()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    camera = SteadyCamera(clock, float(frames_per_s), int(count), int(side_px))
    grabber = Grabber(camera, settings, clock)
    print(grabber.statistics.session, flush=True)
    statistics = grabber.run(stop)
    print(statistics.grabbed, statistics.junk, flush=True)


if __name__ == "__main__":
    main()
