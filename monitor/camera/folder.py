"""`FolderCamera`: a folder that microscope software writes images into."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monitor.camera.pace import Pace
from monitor.camera.protocol import CameraDescription
from monitor.clock import NANOSECONDS_PER_SECOND, Clock, Instant
from monitor.errors import CameraError, SourceError
from monitor.footage import (
    CaptureTimes,
    NeighbourTimes,
    Still,
    StillReader,
    is_image_name,
    natural_key,
    read_timestamps,
)
from monitor.frame import FailedFrame, FailureCause, Frame
from monitor.settings.camera import FolderCameraSettings

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pending:
    """A file that is not settled yet."""

    size_bytes: int
    modified_ns: int
    unchanged_since_ns: int


class FolderCamera:
    """Watches a folder by listing it. A file is read once its size and time stand still; then never again.

    Files are given in natural order of their names among those that settled in one listing.
    """

    def __init__(self, settings: FolderCameraSettings, clock: Clock) -> None:
        """Nothing is looked at before `open`."""
        self._settings = settings
        self._clock = clock
        self._pace = Pace(clock, settings.frames_per_s)
        self._session = ""
        self._next_index = 0
        self._done: set[str] = set()
        self._pending: dict[str, _Pending] = {}
        self._times: CaptureTimes | None = None
        self._neighbours = NeighbourTimes()

    def open(self, session: str) -> None:
        """See `Camera`. Raises SourceError where the timestamps file cannot be used or the folder is none, CameraError
        where the folder is not there or may not be read: a share that is not mounted yet is waited for."""
        self._pace.restart()
        found = self._list_at_start()
        resumed = session == self._session
        if resumed:
            return
        path = self._settings.time.timestamps
        seconds_by_name = read_timestamps(path) if path is not None else {}
        self._times = CaptureTimes(self._settings.time, seconds_by_name, base=Instant(0))
        self._neighbours = NeighbourTimes()
        self._session = session
        self._next_index = 0
        self._pending = {}
        self._done = set() if self._settings.existing else found

    def frames(self) -> Iterator[Frame | FailedFrame]:
        """See `Camera`. Raises CameraError where the folder has become unreadable, such as a share that
        went away."""
        assert self._times is not None, "open comes before frames"
        reader = StillReader(self._times)
        while not self._pace.is_stopped():
            for path in self._settled():
                if not self._pace.wait_turn():
                    return
                stills = self._read(reader, path)
                if stills:
                    self._done.add(path.name)
                    self._pending.pop(path.name, None)
                for still in stills:
                    for placed in self._neighbours.place(still):
                        yield self._number(placed)
            if self._neighbours.images_wait:
                # Images, and a time of none: perhaps a setting is wrong, and then nothing better will come.
                for still in self._neighbours.give_up():
                    yield self._number(still)
            if not self._pace.wait(self._settings.poll_interval_s):
                return

    def close(self) -> None:
        """See `Camera`."""
        self._pace.stop()

    def describe(self) -> CameraDescription:
        """See `Camera`."""
        return CameraDescription(
            name=f"folder {self._settings.folder}",
            live=False,
            back_when_open=True,
            brings_again=self._settings.existing,
        )

    def _list_at_start(self) -> set[str]:
        try:
            return {entry.name for entry in os.scandir(self._settings.folder) if is_image_name(entry.name)}
        except NotADirectoryError as error:
            raise SourceError(
                f"{str(self._settings.folder)!r} is no folder: correct camera.folder, it names what is watched"
            ) from error
        except OSError as error:
            raise CameraError(
                f"waiting for the folder {str(self._settings.folder)!r}, which cannot be read ({error.strerror}): "
                "mount its network share, create it, or correct camera.folder"
            ) from error

    def _settled(self) -> list[Path]:
        """Files whose size and time stood still for `settle_s`, in natural order."""
        now_ns = self._now_ns()
        settle_ns = round(self._settings.settle_s * NANOSECONDS_PER_SECOND)
        settled: list[str] = []
        present: set[str] = set()
        try:
            with os.scandir(self._settings.folder) as entries:
                for entry in entries:
                    if not is_image_name(entry.name):
                        continue
                    present.add(entry.name)
                    if entry.name not in self._done and self._stands_still(entry, now_ns, settle_ns):
                        settled.append(entry.name)
        except OSError as error:
            raise CameraError(
                f"the folder {str(self._settings.folder)!r} can no longer be read ({error.strerror}): "
                "is the network share mounted?"
            ) from error
        # What was deleted needs no memory; a file of the same name that comes later is a new one.
        self._done &= present
        for name in self._pending.keys() - present:
            del self._pending[name]
        return [self._settings.folder / name for name in sorted(settled, key=natural_key)]

    def _stands_still(self, entry: os.DirEntry[str], now_ns: int, settle_ns: int) -> bool:
        try:
            if not entry.is_file():
                return False
            status = entry.stat()
        except OSError:
            return False  # deleted or renamed between listing and looking: the next listing shows
        known = self._pending.get(entry.name)
        if known is None or (known.size_bytes, known.modified_ns) != (status.st_size, status.st_mtime_ns):
            self._pending[entry.name] = known = _Pending(status.st_size, status.st_mtime_ns, now_ns)
        return now_ns - known.unchanged_since_ns >= settle_ns

    def _read(self, reader: StillReader, path: Path) -> list[Still]:
        """The file's stills; none while it may still be in the making."""
        stills = reader.read(path)
        if all(still.cause is not FailureCause.UNREADABLE for still in stills):
            return stills
        quiet_ns = self._now_ns() - self._pending[path.name].unchanged_since_ns
        if quiet_ns < self._settings.give_up_s * NANOSECONDS_PER_SECOND:
            return []
        _log.warning("given up on %s: %s", path.name, stills[0].reason)
        return stills

    def _number(self, still: Still) -> Frame | FailedFrame:
        frame = still.to_frame(
            session=self._session,
            frame_index=self._next_index,
            noticed=self._clock.now(),
            um_per_px=self._settings.um_per_px,
            field=self._settings.field,
            camera=self.describe().name,
        )
        self._next_index += 1
        return frame

    def _now_ns(self) -> int:
        boottime_ns = self._clock.now().boottime_ns
        assert boottime_ns is not None, "a camera's clock must measure CLOCK_BOOTTIME"
        return boottime_ns
