"""Whether a camera keeps its promises: checked where its frames come in, for plugins are other people's code. Pure."""

from __future__ import annotations

import numpy as np

from monitor.frame import FailedFrame, Frame
from monitor.wire import MAX_FRAME_BYTES


class BrokenPromiseError(TypeError):
    """A camera gave what is no frame by the contract of `Camera`: a fault in its code."""


def check_frame(frame: Frame | FailedFrame, session: str, last_index: int) -> None:
    """Raise BrokenPromiseError unless `frame` may go on the wire after the one numbered `last_index`."""
    if not isinstance(frame, Frame | FailedFrame):
        raise BrokenPromiseError(f"it gave a {type(frame).__name__} instead of a Frame or FailedFrame")
    if frame.session != session:
        raise BrokenPromiseError(f"it gave a frame of session {frame.session!r} in session {session!r}")
    if type(frame.frame_index) is not int or frame.frame_index <= last_index:
        raise BrokenPromiseError(f"it gave the number {frame.frame_index!r} after {last_index}")
    if isinstance(frame, FailedFrame):
        return
    image = frame.image
    if not isinstance(image, np.ndarray) or image.dtype not in (np.uint8, np.uint16):
        found = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise BrokenPromiseError(f"it gave an image of type {found} instead of uint8 or uint16")
    if image.size == 0 or not (image.ndim == 2 or image.shape[2:] == (3,)):
        raise BrokenPromiseError(f"it gave an image of shape {image.shape} instead of (H, W) or (H, W, 3)")
    if image.nbytes > MAX_FRAME_BYTES:
        raise BrokenPromiseError(
            f"it gave an image of {image.nbytes} bytes, at most {MAX_FRAME_BYTES} are allowed"
        )
    if image.flags.writeable:
        raise BrokenPromiseError(
            "it gave an image that it may still change: set image.flags.writeable = False"
        )
