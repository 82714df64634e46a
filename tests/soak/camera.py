"""`FilmCamera`: a camera plugin that plays a film in a circle as fast as the frames are taken.

Its station finds it by an entry point, like any camera of another package: see `station.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np

from monitor.camera import CameraDescription
from monitor.camera.pace import Pace
from monitor.clock import NANOSECONDS_PER_SECOND, Clock, Instant
from monitor.errors import CameraError
from monitor.frame import FailedFrame, Frame, Image, TimeSource
from monitor.settings.camera import PluginCameraSettings
from tests.soak.chronicle import Chronicle

PAUSE_STEPS = 7
"""Moments of the experiment that a restart of the grabber takes."""


class FilmCamera:
    """Options: `film` (.npy), `chronicle` (folder), `frames` (over all sessions), `began_utc_ns`, `interval_s` (seconds
    of the experiment between two frames), `fail_every` (a CameraError after so many frames; 0 for none).
    """

    def __init__(self, settings: PluginCameraSettings, clock: Clock) -> None:
        options = settings.options
        self._settings = settings
        self._film = np.load(options["film"])
        self._film.flags.writeable = False
        self._frames = int(options["frames"])
        self._began_utc_ns = int(options["began_utc_ns"])
        self._interval_ns = round(float(options["interval_s"]) * NANOSECONDS_PER_SECOND)
        self._fail_every = int(options["fail_every"])
        self._chronicle = Chronicle(Path(options["chronicle"]), self._frames)
        self._pace = Pace(clock, settings.frames_per_s)
        self._session = ""
        self._next_index = 0
        self._failed_at = 0

    def open(self, session: str) -> None:
        self._pace.restart()
        if session != self._session:
            self._session, self._next_index = session, 0
            self._chronicle.begin(session, PAUSE_STEPS)

    def frames(self) -> Iterator[Frame | FailedFrame]:
        chronicle = self._chronicle
        while chronicle.given < self._frames and self._pace.wait_turn():
            if self._fail_every and chronicle.given >= self._failed_at + self._fail_every:
                self._failed_at = chronicle.given
                raise CameraError("the film tore, as the soak wants it")
            frame = self._frame(chronicle.step)
            chronicle.give(time.clock_gettime(time.CLOCK_BOOTTIME))
            self._next_index += 1
            yield frame

    def close(self) -> None:
        self._pace.stop()

    def describe(self) -> CameraDescription:
        return CameraDescription(name="film in a circle", live=False)

    def _frame(self, step: int) -> Frame:
        elapsed_ns = step * self._interval_ns
        return Frame(
            image=cast(Image, self._film[step % len(self._film)]),
            session=self._session,
            frame_index=self._next_index,
            captured=Instant(self._began_utc_ns + elapsed_ns, elapsed_ns, "film"),
            time_source=TimeSource.CAMERA,
            um_per_px=self._settings.um_per_px,
            field=self._settings.field,
            camera=self.describe().name,
        )
