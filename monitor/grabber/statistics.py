"""`GrabberStatistics`: what a grabber's session came to."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.wire import GrabberCounts


@dataclass(slots=True)
class GrabberStatistics:
    """Counts since the session began. Each field is written by one thread; another may read it at any
    time."""

    session: str = ""
    """The session, 32 hexadecimal digits."""
    grabbed: int = 0
    """Frames that the camera gave, failed ones included."""
    failed: int = 0
    """Frames among them that could not be had."""
    newest_index: int = -1
    """Newest sequence number; -1 before the first."""
    camera_losses: int = 0
    """Times that the camera was lost."""
    served: int = 0
    """Frames handed to the wire, repeated ones included."""
    junk: int = 0
    """Messages on the socket that were no requests."""
    unreadable: int = 0
    """Frames that a listener could not decode."""
    undelivered: int = 0
    """Answers to listeners that had gone or did not read."""
    refused: int = 0
    """Connections that had no key of a listener, and got nothing."""

    @property
    def counts(self) -> GrabberCounts:
        """What the analysis is told of them."""
        return GrabberCounts(
            self.grabbed,
            self.failed,
            self.served,
            self.undelivered,
            self.junk,
            self.camera_losses,
            self.refused,
        )
