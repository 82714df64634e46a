"""Scenes drawn as text, and a film of them followed by the real measuring and tracking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.measure import measure
from monitor.records import EndReason, EventKind, TrackerStep
from monitor.settings.measuring import MeasuringSettings
from monitor.settings.tracking import TrackingSettings
from monitor.tracker import TrackerInput, TrackerState, step

BLOCK_PX = 8
Labels = NDArray[np.int32]


@dataclass
class Film:
    """What the tracker said of each frame."""

    settings: TrackingSettings = field(default_factory=TrackingSettings)
    state: TrackerState = field(default_factory=TrackerState)
    steps: list[TrackerStep] = field(default_factory=list)
    now_s: float = 0.0

    def show(self, labels_HW: Labels, *, times: int = 1, interval_s: float = 10.0) -> TrackerStep:
        """Show one picture `times` times, `interval_s` apart."""
        for _ in range(times):
            seen = measure(labels_HW, None, None, None, MeasuringSettings())
            given = TrackerInput(len(self.steps), self.now_s, labels_HW, seen)
            self.state, result = step(self.state, given, self.settings)
            self.steps.append(result)
            self.now_s += interval_s
        return self.steps[-1]

    def numbers(self, at: int = -1) -> list[int]:
        """Confirmed crystals with a point in one step."""
        return [point.crystal_id for point in self.steps[at].updated if point.confirmed]

    def ends(self) -> dict[int, EndReason]:
        """Why each trail ended."""
        return {end.crystal_id: end.reason for result in self.steps for end in result.ended}

    def kinds(self, *, start: int = 1) -> list[str]:
        """How the trails confirmed from step `start` on began."""
        return [birth.kind.value for result in self.steps[start:] for birth in result.born]

    def events(self, kind: EventKind) -> list[tuple[int, float | None]]:
        """Crystal and value of every event of a kind."""
        told = [event for result in self.steps for event in result.events if event.kind is kind]
        return [(event.crystal_id, event.value) for event in told]


@pytest.fixture
def film() -> Film:
    return Film()


@pytest.fixture
def draw() -> Callable[[str], Labels]:
    """Letters are crystals, dots are background, each a square of 8×8 px; touching letters are in contact."""

    def drawn(picture: str) -> Labels:
        rows = [line.strip() for line in picture.strip().splitlines()]
        small = np.array([[0 if each == "." else ord(each) - 64 for each in row] for row in rows], np.int32)
        return np.kron(small, np.ones((BLOCK_PX, BLOCK_PX), np.int32)).astype(np.int32)

    return drawn


@pytest.fixture
def discs() -> Callable[..., Labels]:
    """Discs (x, y, radius) on a field of (width, height) px, labelled in their order."""

    def drawn(bodies: Sequence[tuple[float, float, float]], size: tuple[int, int] = (200, 160)) -> Labels:
        image = np.zeros((size[1], size[0]), np.int32)
        for label, (x, y, radius) in enumerate(bodies, start=1):
            cv2.circle(image, (round(x * 16), round(y * 16)), round(radius * 16), label, -1, shift=4)
        return image

    return drawn
