"""What a line-up does in a test: frames, and what changed."""

from __future__ import annotations

import time

import numpy as np

from engine.lineup import ChangeKind, EngineChange, LineUp

SIZE = (128, 160)
FAST, STURDY = "openvino bf16", "openvino f32"


def frame(line_up: LineUp) -> str:
    """Do a frame; what ran."""
    image = np.zeros((1, 1, *SIZE), np.float32)
    probability, backend = line_up.run(lambda serving: serving.infer(image).copy(), SIZE)
    assert probability.shape == (1, 2, *SIZE)
    return backend


def frames_until(line_up: LineUp, backend: str) -> list[str]:
    """Do frames until one ran on `backend`."""
    ran = []
    until = time.monotonic() + 30
    while time.monotonic() < until:
        ran.append(frame(line_up))
        if ran[-1] == backend:
            return ran
        time.sleep(0.01)
    raise AssertionError(f"{backend} never served: {line_up.condition}")


def kinds(changes: tuple[EngineChange, ...]) -> list[ChangeKind]:
    return [change.kind for change in changes]
