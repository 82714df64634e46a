"""`SourceStatistics`: what came in, and what did not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from monitor.wire import GrabberCounts


@dataclass(slots=True)
class SourceStatistics:
    """Counts since the source was opened."""

    received: int = 0
    """Frames handed on, failed ones included."""
    failed: int = 0
    """Frames among them that could not be had."""
    lost: int = 0
    """Frames never considered, for whatever reason."""
    lost_by_reason: Counter[str] = field(default_factory=Counter)
    """The same by reason, as in `FrameLoss.reason`."""
    malformed: int = 0
    """Messages that could not be decoded (`FrameDecodeError`)."""
    shut_out: int = 0
    """Connections to the grabber that failed for the keys at either end."""
    sessions: int = 0
    """Sessions seen."""
    behind: int = 0
    """Sequence numbers between the last one that is accounted for and the newest one that the grabber spoke of."""
    camera_running: bool | None = None
    """Whether the camera gives frames; None while no grabber was heard."""
    grabber: GrabberCounts | None = None
    """What the grabber's session says of itself; None while none was heard, and for files."""
