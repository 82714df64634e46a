"""`Camera`: what every camera is and promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from monitor.frame import FailedFrame, Frame


@dataclass(frozen=True, slots=True)
class CameraDescription:
    """Which camera it is."""

    name: str
    """Model and serial number, folder or address: the run's provenance, and `Frame.camera`."""
    live: bool
    """Whether frames that nobody takes are gone (a device), or wait (a folder, a file, a simulation)."""
    back_when_open: bool = False
    """Whether an `open` that succeeds shows already that a lost camera is back: a folder's, which nobody may write into
    for hours. Of any other the first frame does."""
    brings_again: bool = False
    """Whether the next session brings all of this one's frames again: those that nobody took by a stop are not lost."""


@runtime_checkable
class Camera(Protocol):
    """A source of frames, owned by the grabber.

    Order: `open`, `frames` once, `close`; then perhaps `open` again, with the same session after a failure.
    `describe` may be called at any time.

    Thread: `open` and the iteration of `frames` belong to one thread; `close` may be called from any thread,
    also while `frames` waits, which then ends within a second.

    Frames come in the order of `frame_index`, which begins at 0 in each session and goes on after a failure
    in the same session; a gap is a loss in the camera. Images are read-only and never change after they were
    yielded. `captured` is honest (`time_source` says how it is known).

    Failures: one frame that could not be had is a `FailedFrame`, and the iteration goes on. `SourceError`
    from `open` is the user's mistake (no such plugin): there is no sense in trying again. `CameraError` from
    `open` or `frames` is the camera's failure (unplugged): the caller closes it and opens it again later. The
    end of the iteration without an error means that it was closed, or that there will be no more frames.
    """

    def open(self, session: str) -> None:
        """Begin or resume the session with that identity (32 hexadecimal digits). Raises SourceError,
        CameraError."""

    def frames(self) -> Iterator[Frame | FailedFrame]:
        """The frames, as they come. Raises CameraError."""

    def close(self) -> None:
        """Release everything; harmless when closed already. Never raises."""

    def describe(self) -> CameraDescription:
        """Which camera it is."""
