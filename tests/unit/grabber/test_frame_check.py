"""What a camera's code may not hand to the grabber."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitor.clock import Instant
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.grabber.frame_check import BrokenPromiseError, check_frame

SESSION = "a" * 32


def image(shape: tuple[int, ...] = (4, 5), dtype: Any = np.uint8) -> Any:
    pixels = np.zeros(shape, dtype)
    pixels.flags.writeable = False
    return pixels


SOUND = Frame(image(), SESSION, 7, Instant(0), TimeSource.CAMERA)


def test_sound_frames_pass() -> None:
    check_frame(SOUND, SESSION, 6)
    check_frame(replace(SOUND, image=image((4, 5, 3), np.uint16)), SESSION, -1)
    check_frame(FailedFrame(SESSION, 7, Instant(0), "none"), SESSION, 3)


@pytest.mark.parametrize(
    ("frame", "match"),
    [
        (np.zeros((4, 5)), "ndarray"),
        (replace(SOUND, session="b" * 32), "session"),
        (replace(SOUND, frame_index=6), "after 6"),
        (replace(SOUND, frame_index=np.int64(7)), "number"),
        (replace(SOUND, image=image(dtype=np.float32)), "float32"),
        (replace(SOUND, image=[[1]]), "list"),
        (replace(SOUND, image=image((4, 5, 4))), "shape"),
        (replace(SOUND, image=image((0, 5))), "shape"),
        (replace(SOUND, image=np.zeros((4, 5), np.uint8)), "writeable"),
    ],
)
def test_a_broken_promise_is_named(frame: Any, match: str) -> None:
    with pytest.raises(BrokenPromiseError, match=match):
        check_frame(frame, SESSION, 6)
