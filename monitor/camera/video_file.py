"""`VideoFileCamera`: a video file, played in order with its presentation times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from monitor.camera.pace import Pace
from monitor.camera.protocol import CameraDescription
from monitor.clock import NANOSECONDS_PER_SECOND, Clock, Instant
from monitor.errors import CameraError, SourceError
from monitor.footage import check_video_file, read_video
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.settings.camera import VideoCameraSettings


class VideoFileCamera:
    """Plays a video file once, at its own speed unless told otherwise. Seconds in the file count from
    1970-01-01."""

    def __init__(self, settings: VideoCameraSettings, clock: Clock) -> None:
        """Nothing is looked at before `open`."""
        self._settings = settings
        self._path = Path(str(settings.source))
        self._clock = clock
        self._pace = Pace(clock, settings.frames_per_s)
        self._session = ""
        self._next_index = 0

    def open(self, session: str) -> None:
        """See `Camera`. Raises SourceError where the file is missing or no video by its name."""
        check_video_file(self._path)
        if session != self._session:
            self._session, self._next_index = session, 0
        self._pace.restart()

    def frames(self) -> Iterator[Frame | FailedFrame]:
        """See `Camera`. Raises CameraError where the file cannot be read as a video."""
        begun = self._clock.now().boottime_ns or 0
        skipped = self._next_index
        try:
            for number, picture in enumerate(read_video(self._path)):
                if number < skipped:
                    continue
                presented_ns = round(picture.presented_s * NANOSECONDS_PER_SECOND)
                if self._settings.paced and not self._pace.wait_until(begun + presented_ns):
                    return
                if not self._pace.wait_turn():
                    return
                frame = Frame(
                    image=picture.image,
                    session=self._session,
                    frame_index=self._next_index,
                    captured=Instant(presented_ns),
                    time_source=TimeSource.VIDEO,
                    um_per_px=self._settings.um_per_px,
                    field=self._settings.field,
                    camera=self.describe().name,
                    source_name=self._path.name,
                )
                self._next_index += 1
                yield frame
        except SourceError as error:
            raise CameraError(str(error)) from error

    def close(self) -> None:
        """See `Camera`."""
        self._pace.stop()

    def describe(self) -> CameraDescription:
        """See `Camera`."""
        return CameraDescription(name=f"video {self._path.name}", live=False)
