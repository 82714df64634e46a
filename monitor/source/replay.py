"""`ReplaySource`: a folder of images or a video through the same analysis, in order, none lost, no wire."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from pathlib import Path

from monitor.clock import NANOSECONDS_PER_SECOND, Clock, Instant
from monitor.errors import SourceError
from monitor.footage import (
    IMAGE_SUFFIXES,
    CaptureTimes,
    NeighbourTimes,
    Still,
    StillReader,
    VideoPicture,
    list_images,
    read_timestamps,
    read_video,
)
from monitor.frame import DEFAULT_FIELD, FailedFrame, Frame, TimeSource
from monitor.settings.camera import TimeOrder, TimeReading
from monitor.source.protocol import Notice, NoticeKind, Received
from monitor.source.statistics import SourceStatistics

REPLAY_TIME_ORDER = (TimeOrder.TIMESTAMPS_FILE, TimeOrder.IMAGE_TAG, TimeOrder.FILE_NAME)
"""Without the files' own times: copying or unpacking sets them, and a replay would run on invented time."""


class ReplaySource:
    """Frames of a folder (natural order of names) or of one video file.

    Times, where no date is known, count from 1970-01-01T00:00:00 UTC: only differences between them mean
    anything, and a second replay of the same files gives the same rows.
    """

    def __init__(
        self,
        source: Path,
        clock: Clock,
        *,
        timestamps: Path | None = None,
        interval_s: float | None = None,
        um_per_px: float | None = None,
        field: str = DEFAULT_FIELD,
        reading: TimeReading | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            source: folder of PNG, JPEG, TIFF or BMP images, or a video file.
            clock: stamps the notices.
            timestamps: CSV file `file,seconds`; wins over every other time.
            interval_s: seconds from frame to frame, stated by the user; wins over times in the files.
            um_per_px: calibration, µm per pixel.
            field: name of the well, drop or stage position.
            reading: patterns, zone and order for times in files; by default without the files' own times.
        """
        self._source = source
        self._clock = clock
        self._reading = reading or TimeReading(order=REPLAY_TIME_ORDER)
        self._timestamps = timestamps if timestamps is not None else self._reading.timestamps
        self._interval_s = interval_s
        self._um_per_px = um_per_px
        self._field = field
        self._session = uuid.uuid4().hex
        self._statistics = SourceStatistics()
        self._frames: Iterator[Frame | FailedFrame] | None = None
        self._begun = False
        self._finished = False
        self.frame_count: int | None = None
        """Images that will be replayed (files, for a folder); None where a video does not say before it is
        read."""

    @property
    def statistics(self) -> SourceStatistics:
        """See `FrameSource`."""
        return self._statistics

    @property
    def finished(self) -> bool:
        """See `FrameSource`."""
        return self._finished

    @property
    def camera(self) -> str:
        """What stands for the camera in the run's row."""
        return f"replay of {self._source.name or self._source}"

    def open(self) -> None:
        """See `FrameSource`. Raises SourceError: nothing to replay, timestamps that do not fit, or no
        times at all."""
        if self._interval_s is not None and self._timestamps is not None:
            raise SourceError("an interval and a timestamps file were both given: give one of the two")
        if self._interval_s is not None and not 0 < self._interval_s < float("inf"):
            raise SourceError(f"the interval is {self._interval_s} s: give a number of seconds above 0")
        self._frames = self._open_folder() if self._source.is_dir() else self._open_video()

    def next(self, timeout_s: float) -> Received | None:
        """See `FrameSource`; never waits, so `timeout_s` does not count."""
        if self._finished or self._frames is None:
            assert self._finished, "open comes before next"
            return None
        if not self._begun:
            self._begun = True
            self._statistics.sessions += 1
            return self._notice(NoticeKind.SESSION_STARTED, f"session of {self.camera}")
        frame = next(self._frames, None)
        if frame is None:
            self._finished = True
            return self._notice(NoticeKind.SESSION_EXHAUSTED, f"{self.camera} has no more frames")
        self._statistics.received += 1
        self._statistics.failed += isinstance(frame, FailedFrame)
        return Received(frame)

    def close(self) -> None:
        """See `FrameSource`."""
        self._frames = None
        self._finished = True

    def _notice(self, kind: NoticeKind, message: str) -> Received:
        return Received(Notice(kind, self._session, self._clock.now(), message, self.camera))

    def _open_folder(self) -> Iterator[Frame | FailedFrame]:
        paths = list_images(self._source)
        if not paths:
            raise SourceError(
                f"the folder {str(self._source)!r} has no images: name one with files ending in "
                + ", ".join(sorted(IMAGE_SUFFIXES))
            )
        self.frame_count = len(paths)
        if self._interval_s is not None:
            return self._number(StillReader(None), paths)
        seconds_by_name: dict[str, float] = {}
        reading = self._reading
        if self._timestamps is not None:
            seconds_by_name = read_timestamps(self._timestamps, existing={path.name for path in paths})
            reading = reading.model_copy(update={"order": (TimeOrder.TIMESTAMPS_FILE,)})
        times = CaptureTimes(reading, seconds_by_name, base=Instant(0))
        frames = self._number(StillReader(times), paths)
        # The first readable frame decides where times come from: without one there are no rates.
        ahead: list[Frame | FailedFrame] = []
        for frame in frames:
            ahead.append(frame)
            if isinstance(frame, Frame):
                break
        if times.chosen is None and any(_lacks_time(frame) for frame in ahead):
            asked = ", ".join(reading.order)
            raise SourceError(
                f"no times are known for the images in {str(self._source)!r} (asked: {asked}): "
                "give a timestamps file (--timestamps), the seconds from frame to frame (--interval-s), "
                "or a name pattern"
            )
        return itertools.chain(ahead, frames)

    def _number(self, reader: StillReader, paths: list[Path]) -> Iterator[Frame | FailedFrame]:
        stills = (still for path in paths for still in reader.read(path))
        for index, still in enumerate(self._placed(stills)):
            yield still.to_frame(self._session, index, Instant(0), self._um_per_px, self._field, self.camera)

    def _placed(self, stills: Iterator[Still]) -> Iterator[Still]:
        """Each with a time, unless none has one."""
        if self._interval_s is not None:
            yield from (self._at_interval(still, index) for index, still in enumerate(stills))
            return
        neighbours = NeighbourTimes()
        for still in stills:
            yield from neighbours.place(still)
        yield from neighbours.give_up()

    def _at_interval(self, still: Still, index: int) -> Still:
        return Still(
            still.name, still.image, self._instant(index), TimeSource.INTERVAL, still.cause, still.reason
        )

    def _open_video(self) -> Iterator[Frame | FailedFrame]:
        if not self._source.exists():
            raise SourceError(f"there is no folder or video {str(self._source)!r}: check its name")
        if self._timestamps is not None:
            raise SourceError(
                "a timestamps file goes with a folder of images: for a video give --interval-s, or nothing "
                "for its own times"
            )
        pictures = read_video(self._source)
        first = next(pictures, None)
        assert first is not None, "read_video raises where there are no pictures"
        return self._picture_frames(itertools.chain([first], pictures))

    def _picture_frames(self, pictures: Iterator[VideoPicture]) -> Iterator[Frame | FailedFrame]:
        for index, picture in enumerate(pictures):
            by_interval = self._interval_s is not None
            presented = Instant(round(picture.presented_s * NANOSECONDS_PER_SECOND))
            yield Frame(
                image=picture.image,
                session=self._session,
                frame_index=index,
                captured=self._instant(index) if by_interval else presented,
                time_source=TimeSource.INTERVAL if by_interval else TimeSource.VIDEO,
                um_per_px=self._um_per_px,
                field=self._field,
                camera=self.camera,
                source_name=self._source.name,
            )

    def _instant(self, index: int) -> Instant:
        assert self._interval_s is not None
        return Instant(round(index * self._interval_s * NANOSECONDS_PER_SECOND))


def _lacks_time(frame: Frame | FailedFrame) -> bool:
    return isinstance(frame, FailedFrame) and frame.cause.value == "no_time"
