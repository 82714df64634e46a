"""A camera as another package would bring it: pictures timed by the machine's clock, a disc that grows evenly."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from monitor.camera.protocol import CameraDescription
from monitor.clock import Clock
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.settings.camera import PluginCameraSettings

PERIOD_S = 0.2


class WallCamera:
    """Implements `Camera`."""

    def __init__(self, settings: PluginCameraSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._stopped = False
        self._session = ""

    def open(self, session: str) -> None:
        self._session = session

    def frames(self) -> Iterator[Frame | FailedFrame]:
        grain = np.random.default_rng(1)
        index = 0
        while not self._stopped:
            self._clock.sleep(PERIOD_S)
            image = grain.normal(128, 3, (256, 256)).clip(0, 255).astype(np.uint8)
            cv2.circle(image, (128, 128), 30, 90, 3)
            image.flags.writeable = False
            yield Frame(
                image, self._session, index, self._clock.now(), TimeSource.CAMERA, field=self._settings.field
            )
            index += 1

    def close(self) -> None:
        self._stopped = True

    def describe(self) -> CameraDescription:
        return CameraDescription(name="wall camera", live=True)
