"""`StillReader`: an image file as stills, each with its time of capture or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monitor.clock import Instant
from monitor.footage.capture_times import CaptureTimes
from monitor.footage.decoded_size import LARGEST_FILE_BYTES
from monitor.footage.decoding import decode_images
from monitor.footage.errors import NoTimeError, UnreadableImageError
from monitor.frame import FailedFrame, FailureCause, Frame, Image, TimeSource


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """One image of a file, or what failed."""

    name: str
    """File name without folder; `#2` behind it is the third page of a file with several."""
    image: Image | None = None
    """As in `Frame`; None where it failed."""
    captured: Instant | None = None
    """When it was taken; None where nobody knows."""
    time_source: TimeSource | None = None
    """How that is known."""
    cause: FailureCause | None = None
    """Why it failed; None where it did not."""
    reason: str = ""
    """The same in the user's terms."""

    def to_frame(
        self,
        session: str,
        frame_index: int,
        noticed: Instant,
        um_per_px: float | None,
        field: str,
        camera: str,
    ) -> Frame | FailedFrame:
        """As a frame of that session; `noticed`, on the machine's clocks, stands in for the time of a failure where
        none is known."""
        if self.image is None or self.captured is None or self.time_source is None or self.cause is not None:
            return FailedFrame(
                session=session,
                frame_index=frame_index,
                captured=self.captured or noticed,
                reason=self.reason,
                field=field,
                source_name=self.name,
                cause=self.cause or FailureCause.UNREADABLE,
                time_source=self.time_source or TimeSource.CAMERA,
            )
        return Frame(
            image=self.image,
            session=session,
            frame_index=frame_index,
            captured=self.captured,
            time_source=self.time_source,
            um_per_px=um_per_px,
            field=field,
            camera=camera,
            source_name=self.name,
        )


class StillReader:
    """Reads image files. Not thread-safe."""

    def __init__(self, times: CaptureTimes | None) -> None:
        """`times`: None where the caller knows the times (a stated interval)."""
        self._times = times

    def read(self, path: Path) -> list[Still]:
        """The file's stills, one per page. Never raises for what is wrong with the file: that is in the
        still."""
        try:
            if path.stat().st_size > LARGEST_FILE_BYTES:
                reason = f"it is larger than {LARGEST_FILE_BYTES / 1e9:.1f} GB: crop, bin or split it"
                return [Still(path.name, cause=FailureCause.UNREADABLE, reason=reason)]
            data = path.read_bytes()
            modified_ns = path.stat().st_mtime_ns
        except OSError as error:
            return [
                Still(path.name, cause=FailureCause.UNREADABLE, reason=f"it cannot be read: {error.strerror}")
            ]
        try:
            images = decode_images(data)
        except UnreadableImageError as error:
            return [self._failed(path.name, data, modified_ns, str(error))]
        if len(images) == 1:
            return [self._timed(path.name, images[0], data, modified_ns)]
        # The tags and the name of a file with several pages tell one time, and its pages have several.
        return [self._page(f"{path.name}#{number}", image) for number, image in enumerate(images)]

    def _failed(self, name: str, data: bytes, modified_ns: int, reason: str) -> Still:
        known = None
        if self._times is not None and self._times.chosen is not None:
            try:
                known = self._times.of(name, data, modified_ns)
            except NoTimeError:
                known = None
        return Still(
            name,
            captured=known.captured if known else None,
            time_source=known.source if known else None,
            cause=FailureCause.UNREADABLE,
            reason=reason,
        )

    def _timed(self, name: str, image: Image, data: bytes, modified_ns: int) -> Still:
        if self._times is None:
            return Still(name, image)
        try:
            known = self._times.of(name, data, modified_ns)
        except NoTimeError as error:
            return Still(name, image, cause=FailureCause.NO_TIME, reason=str(error))
        return Still(name, image, known.captured, known.source)

    def _page(self, name: str, image: Image) -> Still:
        if self._times is None:
            return Still(name, image)
        known = self._times.from_timestamps_file(name)
        if known is None:
            reason = f"no time is known for the page {name!r}: give an interval, or timestamps that name it"
            return Still(name, image, cause=FailureCause.NO_TIME, reason=reason)
        return Still(name, image, known.captured, known.source)
