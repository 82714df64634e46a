"""`FrameSource`: where the analysis takes its frames from, and what it is told besides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from monitor.clock import Instant
from monitor.frame import FailedFrame, Frame, FrameLoss
from monitor.source.statistics import SourceStatistics


class NoticeKind(StrEnum):
    """What a notice tells."""

    SESSION_STARTED = "session_started"
    """A session that the source did not know; `camera` says of which camera."""
    SESSION_ENDED = "session_ended"
    """The session said goodbye: stopped by somebody."""
    SESSION_EXHAUSTED = "session_exhausted"
    """The session said goodbye: the camera has no more frames."""
    SESSION_BROKEN = "session_broken"
    """The session ended without a goodbye: its grabber was killed."""
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    STREAM_SILENT = "stream_silent"
    """No sign of life from the grabber for `silence_s`."""
    STREAM_BACK = "stream_back"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the stream rather than a frame."""

    kind: NoticeKind
    """What."""
    session: str
    """Which session; empty where none is known yet."""
    at: Instant
    """When; real time, also where the frames' own time is simulated."""
    message: str
    """In the user's terms."""
    camera: str = ""
    """The camera's model and serial number, where the notice knows it."""


@dataclass(frozen=True, slots=True)
class Received:
    """One answer of a source: at most one frame or notice, and the losses found with it."""

    item: Frame | FailedFrame | Notice
    """What came."""
    losses: tuple[FrameLoss, ...] = ()
    """Ranges of sequence numbers that were never considered, all before `item`, and in no earlier answer."""
    age_s: float | None = None
    """Real seconds from the capture to this moment (for files and simulations: since the grabber had the
    frame); None for notices and where both ends do not share a clock."""


@runtime_checkable
class FrameSource(Protocol):
    """Gives frames in the order of their numbers within a session, each at most once.

    Order: `open`, `next` any number of times, `close`. Thread: one thread owns it.

    The ledger: for each session, frames given + frames in `losses` = last sequence number seen + 1 (or − the
    resume point), exactly. Calling `next` says that the frame before has been dealt with for good
    (committed): under `lossless` the grabber forgets it then, so that a killed analysis finds its frame in
    hand again.

    Failures: `SourceError` is the user's mistake (nothing there to replay, another policy at the grabber). A
    grabber that is not there is no failure but a `None`, and a notice after `silence_s`. A malformed message
    is counted.
    """

    def open(self) -> None:
        """Get ready. Raises SourceError."""

    def next(self, timeout_s: float) -> Received | None:
        """What comes next; None if nothing came within `timeout_s` seconds, or ever will (`finished`)."""

    def close(self) -> None:
        """Release everything; harmless when closed already."""

    @property
    def finished(self) -> bool:
        """Whether nothing will ever come again: the end of a replay."""

    @property
    def statistics(self) -> SourceStatistics:
        """Counts since `open`."""
