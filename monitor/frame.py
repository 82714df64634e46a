"""`Frame`: one image as the camera gave it, with what is needed to measure in it.

The only thing on the camera wire, and the first record of the analysis.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from monitor.clock import Instant

Image = NDArray[np.uint8] | NDArray[np.uint16]

DEFAULT_FIELD = "main"


class TimeSource(StrEnum):
    """Where a frame's time of capture comes from."""

    CAMERA = "camera"
    """Measured by the grabber, on the machine's clocks, as the frame arrived."""
    TIMESTAMPS_FILE = "timestamps_file"
    IMAGE_TAG = "image_tag"
    """EXIF DateTimeOriginal or the TIFF DateTime tag."""
    FILE_NAME = "file_name"
    FILE_TIME = "file_time"
    """The file's own modification time."""
    VIDEO = "video"
    """Presentation time inside the video file."""
    INTERVAL = "interval"
    """Frame number times the interval that the user stated."""
    SIMULATED = "simulated"
    NEIGHBOUR = "neighbour"
    """Of a file that failed and tells no time of its own: that of the frame before it that had one, or of the next."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image and its circumstances. Immutable: the array is read-only."""

    image: Image
    """Shape (H, W) grey or (H, W, 3) RGB; uint8 or uint16; C-contiguous, read-only."""
    session: str
    """Identity of the grabber's session (one start of a camera): 32 hexadecimal digits."""
    frame_index: int
    """The camera's sequence number in its session, from 0; gaps are losses."""
    captured: Instant
    """When the shutter closed, as well as is known."""
    time_source: TimeSource
    """How `captured` is known."""
    um_per_px: float | None = None
    """Calibration in µm per pixel; None where the user stated none: then no µm is ever given."""
    field: str = DEFAULT_FIELD
    """The well, drop or stage position."""
    camera: str = ""
    """The camera's model and serial number, for the run's provenance."""
    source_name: str = ""
    """File name (without folder) for frames that come from files; empty for live cameras."""

    @property
    def height_px(self) -> int:
        """Rows of the image."""
        return int(self.image.shape[0])

    @property
    def width_px(self) -> int:
        """Columns of the image."""
        return int(self.image.shape[1])


class FailureCause(StrEnum):
    """Why a frame could not be had; the words are those of `monitor.records.RejectReason`."""

    CAMERA = "camera"
    """The camera gave no image."""
    UNREADABLE = "unreadable"
    """There is a file, and it is no image that can be read."""
    NO_TIME = "no_time"
    """There is an image, and nobody knows when it was taken."""


@dataclass(frozen=True, slots=True)
class FailedFrame:
    """A frame that was due and could not be had: an unreadable file, a failed buffer. A value, never a black image."""

    session: str
    """As in `Frame`."""
    frame_index: int
    """The sequence number that the frame would have had."""
    captured: Instant
    """When it was due, as well as is known: on the clock of the session's frames, lest the run's time jumps."""
    reason: str
    """What failed, in the user's terms."""
    field: str = DEFAULT_FIELD
    """As in `Frame`."""
    source_name: str = ""
    """As in `Frame`."""
    cause: FailureCause = FailureCause.CAMERA
    """The reason's kind: what the frame's row says."""
    time_source: TimeSource = TimeSource.CAMERA
    """How `captured` is known; by default it is when the failure was noticed."""


@dataclass(frozen=True, slots=True)
class FrameLoss:
    """A range of sequence numbers of one session that was never considered."""

    session: str
    """As in `Frame`."""
    first_index: int
    """First lost sequence number."""
    last_index: int
    """Last lost sequence number (inclusive)."""
    reason: str
    """`superseded` (a newer frame was taken instead, policy `latest`), `repeated` (an earlier session brought the same
    file, which was considered), `lost` (on the wire), `decode` (malformed), `unknown` (the tail of a session that
    ended without a goodbye)."""
    field: str = DEFAULT_FIELD
    """As in `Frame`."""

    @property
    def count(self) -> int:
        """How many frames the range holds."""
        return self.last_index - self.first_index + 1
