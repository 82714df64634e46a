"""Inputs for the kernels, extreme and ordinary: a program of its own, run with a library that checks itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.kernels import measuring, parting
from engine.kernels.library import LIBRARY, NO_ROOM
from engine.kernels.workspace import scratch
from engine.postprocess import postprocess
from engine.thresholds import Thresholds
from monitor.measure import measure
from monitor.settings.measuring import MeasuringSettings
from tests.property.blobs import blobs

SHAPES = [
    (1, 1),
    (1, 2),
    (2, 1),
    (1, 9),
    (9, 1),
    (2, 2),
    (3, 3),
    (7, 8),
    (8, 7),
    (1, 300),
    (300, 1),
    (17, 90),
    (64, 64),
]


ROOM = 1 << 28
"""Bytes of each thread's, of which the last few are handed out: what is never written takes no memory."""
refused: Counter[str] = Counter()
"""How many times each kernel said NO_ROOM."""


def with_least_room(kernel: Callable[[int, int], int], _pixels: int, _bytes_per_pixel: int) -> int:
    """As `workspace.with_room`, but from next to nothing up: each place in turn is the one that runs out of room."""
    size = 64
    while True:
        room = scratch("room", (ROOM,), np.uint8)[ROOM - size :]
        result = kernel(room.ctypes.data, size)
        if result != NO_ROOM:
            return result
        refused[kernel.__qualname__.partition(".")[0]] += 1
        size += size // 10 + 8


def heap(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Discs upon one another, with contact lines that leak."""
    crystal, contact = np.zeros((240, 300), np.float32), np.zeros((240, 300), np.float32)
    for _ in range(60):
        centre = (int(rng.integers(0, 300)), int(rng.integers(0, 240)))
        radius = int(rng.integers(5, 40))
        cv2.circle(contact, centre, radius, 0.5, 2)
        cv2.circle(crystal, centre, radius, 0.95, -1)
    contact[rng.random(contact.shape) < 0.3] = 0
    return crystal, contact


def main() -> None:
    rng = np.random.default_rng(7)
    settings = MeasuringSettings()
    parting.with_room = measuring.with_room = with_least_room
    measuring.FIRST_PLACES = 4
    parted = measured = 0
    scenes = [
        (blobs(seed, *shape, sigma), blobs(seed + 1, *shape, 1.0))
        for seed, shape in enumerate(SHAPES)
        for sigma in (0.5, 3.0)
    ]
    scenes += [
        (np.full(shape, value, np.float32), np.zeros(shape, np.float32))
        for shape in SHAPES
        for value in (0, 1)
    ]
    scenes += [(np.ones((40, 51), np.float32), rng.random((40, 51)).astype(np.float32)), heap(rng), heap(rng)]
    for crystal, contact in scenes:
        for limits in (
            Thresholds(contact=0.4, seed_area_px=1, minimal_area_px=1, minimal_score=0),
            Thresholds(contact=0.1),
        ):
            bodies = postprocess(crystal, contact, limits)
            parted += 1
            for probability in (crystal, None):
                for distance_px in (0.0, 2.0, 5.5):
                    wide = settings.model_copy(update={"contact_distance_px": distance_px})
                    measured += len(measure(bodies.labels_HW, probability, None, 0.5, wide))
    labels = np.zeros((300, 300), np.int32)
    labels[::2, ::2] = np.arange(1, 22_501).reshape(150, 150)
    measured += len(measure(labels, None, None, None, settings))
    measured += len(measure(rng.integers(0, 5, (50, 60)).astype(np.int32) * 1000, None, None, None, settings))
    assert measuring.survey_regions(np.array([[0, 0, 9]], np.int32), None) is None
    assert measured > 20_000
    print(f"{parted} parted and measured with {LIBRARY}: {measured} bodies")
    print("rooms refused:", dict(refused))
    assert set(refused) == {"mend_leaks", "label_bodies", "survey_regions", "look_around", "measure_outlines"}
    assert min(refused.values()) > 1000


if __name__ == "__main__":
    main()
