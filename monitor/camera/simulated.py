"""`SimulatedCamera`: the simulated microscope as a camera, in compressed time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

import numpy as np

from monitor.camera.pace import Pace
from monitor.camera.protocol import CameraDescription
from monitor.clock import NANOSECONDS_PER_SECOND, Clock, Instant
from monitor.errors import SourceError
from monitor.frame import FailedFrame, Frame, Image, TimeSource
from monitor.settings.camera import SimulatedCameraSettings
from monitor.settings.simulation import SimulationSettings
from monitor.simulation import PRESETS, SimulatedMicroscope


def simulation_of(settings: SimulatedCameraSettings) -> SimulationSettings:
    """The simulation that a camera's settings ask for. Raises SourceError for a preset that does not
    exist."""
    simulation = settings.simulation
    if settings.preset is not None:
        if settings.preset not in PRESETS:
            known = ", ".join(PRESETS)
            raise SourceError(
                f"there is no simulated experiment {settings.preset!r}: camera.preset is one of {known}"
            )
        simulation = PRESETS[settings.preset]
    return simulation if settings.seed is None else simulation.model_copy(update={"seed": settings.seed})


class SimulatedCamera:
    """Frame k of a session shows the experiment at k·`time_compression`/`frames_per_s` simulated seconds
    after its first.

    Frames are never skipped: where rendering or the listener is slower than `frames_per_s`, simulated time
    falls behind real time. `captured` counts simulated seconds, on a clock of its own (boot id
    `simulated-SESSION`), so that no rate mixes simulated with real seconds.
    """

    def __init__(self, settings: SimulatedCameraSettings, clock: Clock) -> None:
        """Raises SourceError for a preset that does not exist."""
        self._settings = settings
        self.simulation = simulation_of(settings)
        """What happens under the microscope, preset and seed resolved."""
        self._clock = clock
        self._pace = Pace(clock, settings.frames_per_s)
        self._interval_s = settings.time_compression / settings.frames_per_s
        self._session = ""
        self._next_index = 0
        self._began_utc_ns = 0
        self._first_step = 0
        self._microscope: SimulatedMicroscope | None = None

    def open(self, session: str) -> None:
        """See `Camera`."""
        self._pace.restart()
        if session == self._session:
            return
        self._session, self._next_index, self._first_step = session, 0, 0
        now_utc_ns = self._clock.now().utc_ns
        self._began_utc_ns = now_utc_ns
        if self._settings.started_at is not None:
            self._began_utc_ns = round(self._settings.started_at.timestamp() * NANOSECONDS_PER_SECOND)
            gone_s = max(0.0, (now_utc_ns - self._began_utc_ns) / NANOSECONDS_PER_SECOND)
            # Whole frames of the experiment's own raster, so that every session shows the same moments.
            self._first_step = math.ceil(gone_s * self._settings.frames_per_s)
        self._microscope = SimulatedMicroscope(self.simulation)

    def frames(self) -> Iterator[Frame | FailedFrame]:
        """See `Camera`."""
        microscope = self._microscope
        assert microscope is not None, "open comes before frames"
        while True:
            elapsed_s = (self._first_step + self._next_index) * self._interval_s
            if self._settings.duration_s is not None and elapsed_s > self._settings.duration_s:
                return
            if not self._pace.wait_turn():
                return
            frame = self._frame(microscope, elapsed_s)
            self._next_index += 1
            yield frame

    def close(self) -> None:
        """See `Camera`."""
        self._pace.stop()

    def describe(self) -> CameraDescription:
        """See `Camera`."""
        return CameraDescription(name=f"simulated microscope, seed {self.simulation.seed}", live=False)

    def _frame(self, microscope: SimulatedMicroscope, elapsed_s: float) -> Frame:
        image = np.ascontiguousarray(microscope.render_only(elapsed_s))
        image.flags.writeable = False
        elapsed_ns = round(elapsed_s * NANOSECONDS_PER_SECOND)
        return Frame(
            image=cast(Image, image),
            session=self._session,
            frame_index=self._next_index,
            captured=Instant(self._began_utc_ns + elapsed_ns, elapsed_ns, f"simulated-{self._session}"),
            time_source=TimeSource.SIMULATED,
            um_per_px=self._settings.um_per_px or self.simulation.um_per_px,
            field=self._settings.field,
            camera=self.describe().name,
        )
