"""A live camera on a cable, as another package would bring one: the simulated microscope, which can be unplugged.

It gives frames while the file `cable` is there. Where there is a file beside it with `.hangs` at the end of its name,
its driver hangs and never comes back, as real ones do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from monitor.camera import Camera, CameraDescription, build_camera
from monitor.clock import Clock
from monitor.errors import CameraError
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.settings.camera import PluginCameraSettings, SimulatedCameraSettings


class CableCamera:
    """See `Camera`."""

    def __init__(self, settings: PluginCameraSettings, clock: Clock) -> None:
        options = dict(settings.options)
        self._cable = Path(options.pop("cable"))
        self._clock = clock
        self._microscope: Camera = build_camera(SimulatedCameraSettings.model_validate(options), clock)

    def open(self, session: str) -> None:
        self._check_cable()
        self._microscope.open(session)

    def frames(self) -> Iterator[Frame | FailedFrame]:
        for frame in self._microscope.frames():
            self._check_cable()
            while self._cable.with_name(f"{self._cable.name}.hangs").exists():
                time.sleep(0.1)
            yield replace(frame, captured=self._clock.now(), time_source=TimeSource.CAMERA)

    def close(self) -> None:
        self._microscope.close()

    def describe(self) -> CameraDescription:
        return CameraDescription("Cable Camera 7", live=True)

    def _check_cable(self) -> None:
        if not self._cable.exists():
            raise CameraError("Cable Camera 7 does not answer: check the cable")
