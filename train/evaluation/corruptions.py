"""Robustness: fixed corruptions of the real frames, each at three strengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from train.data.manifest import read_manifest
from train.evaluation.suspension import MANIFEST, reduced
from train.ice_frames import held_out_part, read_frame
from train.metrics.pixels import PixelCounts, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from train.segmenting import Segment

    Grey = npt.NDArray[np.uint8]
    Corrupt = Callable[[Grey, float], Grey]

ICE_FRAMES = (24, 28, 33)
"""Held-out halves that are corrupted."""
STRENGTHS = ("weak", "middle", "strong")


@dataclass(frozen=True)
class Corruption:
    """One way in which frames get worse.

    Attributes:
        name: with its unit.
        apply: image and strength to image.
        strengths: weak, middle, strong; in the name's unit.
    """

    name: str
    apply: Corrupt
    strengths: tuple[float, float, float]


def _levels(values: npt.NDArray[np.floating]) -> Grey:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def brightness(image: Grey, change: float) -> Grey:
    """Light times 1 + change."""
    return _levels(image.astype(np.float32) * (1 + change))


def contrast(image: Grey, factor: float) -> Grey:
    """Distance of each level from the frame's mean times a factor."""
    mean = float(image.mean())
    return _levels(mean + (image.astype(np.float32) - mean) * factor)


def blur(image: Grey, sigma_px: float) -> Grey:
    """Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.uint8)


def motion(image: Grey, length_px: float) -> Grey:
    """Motion along the rows."""
    length = int(length_px)
    return np.asarray(cv2.filter2D(image, -1, np.full((1, length), 1 / length, np.float32)), np.uint8)


def noise(image: Grey, levels: float) -> Grey:
    """Gaussian noise, the same at every call."""
    drawn = np.random.default_rng(20_261_123).normal(0, levels, image.shape)
    return _levels(image.astype(np.float32) + drawn)


def gradient(image: Grey, rise: float) -> Grey:
    """Light that changes by `rise` from the left edge to the right one, relative to the middle's."""
    across = np.linspace(1 - rise / 2, 1 + rise / 2, image.shape[1], dtype=np.float32)
    return _levels(image.astype(np.float32) * across)


def jpeg(image: Grey, quality: float) -> Grey:
    """Compression to a quality of 0 to 100, and back."""
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)


CORRUPTIONS = (
    Corruption("brighter", brightness, (0.1, 0.2, 0.4)),
    Corruption("darker", brightness, (-0.1, -0.2, -0.4)),
    Corruption("contrast ×", contrast, (0.8, 0.6, 0.4)),
    Corruption("blur, σ px", blur, (0.5, 1.0, 2.0)),
    Corruption("motion, px", motion, (3, 5, 9)),
    Corruption("noise, levels", noise, (3, 6, 12)),
    Corruption("gradient", gradient, (0.2, 0.4, 0.8)),
    Corruption("JPEG quality", jpeg, (80, 50, 20)),
)
"""What is applied, and how strongly. The limit holds for the middle."""


def real_frames(data: Path) -> Iterator[tuple[str, Grey, npt.NDArray[np.bool_]]]:
    """Set, image and crystal mask of the frames that are corrupted."""
    for item in read_manifest(MANIFEST).items(data / "suspension"):
        image, labels = reduced(item)
        yield "suspension", image, labels > 0
    for number in ICE_FRAMES:
        part = held_out_part(read_frame(data, number))
        yield "ice", np.ascontiguousarray(part.image_HW), part.labels_HW > 0


def evaluate_robustness(segment: Segment, data: Path) -> dict[str, Any]:
    """IoU of each set, as it is and under each corruption at each strength; the greatest loss at middle strength."""
    clean: dict[str, PixelCounts] = {}
    worse: dict[str, dict[str, list[PixelCounts]]] = {}
    for name, image, true in real_frames(data):
        clean[name] = clean.get(name, PixelCounts()) + compare(segment(image).labels_HW > 0, true)
        for corruption in CORRUPTIONS:
            row = worse.setdefault(name, {}).setdefault(corruption.name, [PixelCounts()] * len(STRENGTHS))
            for index, strength in enumerate(corruption.strengths):
                said = segment(corruption.apply(image, strength)).labels_HW > 0
                row[index] = row[index] + compare(said, true)
    losses = {
        name: max(clean[name].iou - row[1].iou for row in rows.values()) for name, rows in worse.items()
    }
    return {
        "clean": {name: counts.iou for name, counts in clean.items()},
        "corrupted": {
            name: {kind: [counts.iou for counts in row] for kind, row in rows.items()}
            for name, rows in worse.items()
        },
        "greatest_loss_at_middle": losses,
    }
