"""`SourceStatistics`: what came in, and what did not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class SourceStatistics:
    """Counts since the source was opened."""

    received: int = 0
    """Frames handed on, failed ones included."""
    failed: int = 0
    """Frames among them that could not be had."""
    lost: int = 0
    """Frames never considered, for whatever reason."""
    malformed: int = 0
    """Messages that could not be decoded (`FrameDecodeError`)."""
    sessions: int = 0
    """Sessions seen."""
