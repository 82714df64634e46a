"""The messages of the camera wire: what the analysis asks and what the grabber answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.clock import Instant
from monitor.frame import FailedFrame, Frame
from monitor.settings.stream import StreamPolicy

MOST_EARLIER_SESSIONS = 16


@dataclass(frozen=True, slots=True)
class Request:
    """The analysis asks for what comes next: one question, at most one answer (credit of one)."""

    serial: int
    """Number of the question, from 1; the answer carries it, and answers to older questions are never
    used."""
    session: str = ""
    """The session that it knows; empty for none: then the answer is a `Hello`."""
    after: int = -1
    """Last frame of that session that it is done with: acknowledges that one and all before."""
    notices_after: int = 0
    """Number of the last camera notice that it has."""
    unreadable: bool = False
    """Whether the last answer could not be decoded, so that it must not be sent again."""


@dataclass(frozen=True, slots=True)
class EarlierSession:
    """A session that came before on the same endpoint, perhaps killed."""

    session: str
    """The session."""
    last_index: int
    """Its last sequence number; -1 where it had no frame."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The grabber introduces a session that the analysis does not know."""

    policy: StreamPolicy
    """How it serves frames."""
    camera: str
    """Model and serial number."""
    started: Instant
    """When the session began."""
    camera_running: bool
    """False while the camera is lost."""
    notice_serial: int
    """Number of the last camera notice so far."""
    earlier: tuple[EarlierSession, ...] = ()
    """Sessions before this one on the same endpoint, the last one first; at most 16."""


@dataclass(frozen=True, slots=True)
class CameraNotice:
    """The camera was lost, or is back."""

    serial: int
    """Number of the notice in its session, from 1."""
    running: bool
    """True: back; False: lost."""
    at: Instant
    """When."""
    message: str
    """In the user's terms."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The grabber lives, no frame is due."""

    camera_running: bool
    """False while the camera is lost."""


class GoodbyeReason(StrEnum):
    """Why a session ended."""

    STOPPED = "stopped"
    """Somebody stopped the grabber."""
    EXHAUSTED = "exhausted"
    """The camera has no more frames: the end of a video or of a simulated experiment."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The session is over; `Envelope.newest_index` is its last sequence number."""

    reason: GoodbyeReason
    """Why."""
    at: Instant
    """When."""


Payload = Frame | FailedFrame | Hello | CameraNotice | Heartbeat | Goodbye


@dataclass(frozen=True, slots=True)
class GrabberCounts:
    """What the grabber's session came to so far: so that one place, the analysis, can tell of the whole station."""

    grabbed: int = 0
    """Frames that the camera gave, failed ones included."""
    failed: int = 0
    """Frames among them that could not be had."""
    served: int = 0
    """Frames handed to the wire, repeated ones included."""
    undelivered: int = 0
    """Answers to listeners that had gone or did not read."""
    junk: int = 0
    """Messages on the grabber's socket that were no requests."""
    camera_losses: int = 0
    """Times that the camera was lost."""
    refused: int = 0
    """Connections that had no key of a listener, and got nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """One message of the grabber."""

    session: str
    """Its session, 32 hexadecimal digits."""
    reply_to: int
    """Serial of the request that it answers; 0 for a goodbye that nobody asked for."""
    newest_index: int
    """Newest sequence number that the camera gave so far; -1 before the first."""
    served_before: int
    """Sequence number of the frame that this listener was sent last before this message; -1 for none."""
    boot_id: str
    """The boot that the two times below count from."""
    grabbed_boottime_ns: int
    """When the payload came out of the camera: real CLOCK_BOOTTIME, also where the frame's own time is
    simulated."""
    published_boottime_ns: int
    """When the message was sent: real CLOCK_BOOTTIME."""
    payload: Payload
    """What it says."""
    counts: GrabberCounts = GrabberCounts()
    """The session's counts when it was sent."""
