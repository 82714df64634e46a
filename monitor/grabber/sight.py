"""`Sight`: what the grabber shows of itself while it runs, for whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sight:
    """The grabber between two turns of its loop."""

    camera: str
    """The camera's name."""
    frames: int
    """Frames that it gave in this session, failed ones included."""
    attempts: int
    """Attempts to open it that came to an end, whichever."""
    camera_running: bool
    """Whether it gives frames; False while it is lost and tried again."""
    trouble: str
    """While it is lost: what it said last."""
    may_be_quiet: bool
    """Whether no frame is no sign of a hanging driver: a folder or a file, or a camera that waits for the analysis."""


Watch = Callable[[Sight], None]
"""Called in the grabber's main thread, some ten times a second, first when it serves; it must be quick."""
