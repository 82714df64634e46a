"""Ice against its labels and the published summary."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from train.evaluation.matching import areas_px, matches
from train.evaluation.pixel_scores import PixelCounts, compare
from train.ice_frames import (
    FOLDER,
    FRAME_NUMBERS,
    HELD_OUT_COLUMN,
    HELD_OUT_FRAMES,
    UM_PER_PX,
    IceFrame,
    held_out_part,
    read_frame,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy.typing as npt

    from train.evaluation.segmenting import Segment

IOU_LIMIT = 0.88
COUNT_LIMIT = 0.10
MEAN_AREA_LIMIT = 0.08


@dataclass(frozen=True)
class IceFigures:
    """One frame's figures."""

    number: int
    """Number of the frame."""
    pixels: PixelCounts
    """Against labels > 0."""
    said: int
    """Crystals found."""
    true: int
    """Crystals labelled."""
    matched: int
    """Crystals found with IoU above 0.5."""
    mean_area_um2: float
    """Mean area of the crystals found, border included, µm²."""
    labels_mean_area_um2: float
    """The same of the labels."""
    published_mean_area_um2: float
    """The authors' figure."""


def published_mean_areas_um2(data: Path) -> dict[int, float]:
    """The authors' mean area by frame, µm²."""
    with (data / FOLDER / "published_summary.csv").open(newline="", encoding="utf-8") as file:
        return {int(row["FrameIndex"]): float(row["MeanArea_um2"]) for row in csv.DictReader(file)}


def evaluate_frame(frame: IceFrame, said_HW: npt.NDArray[np.int32], published_um2: float) -> IceFigures:
    """Compare the labels found (same shape) with the frame's own."""
    said, true = areas_px(said_HW), areas_px(frame.labels_HW)
    return IceFigures(
        frame.number,
        compare(said_HW > 0, frame.labels_HW > 0),
        len(said),
        len(true),
        len(matches(said_HW, frame.labels_HW)),
        _mean_um2(said),
        _mean_um2(true),
        published_um2,
    )


def _mean_um2(areas: dict[int, int]) -> float:
    return float(np.mean(list(areas.values()))) * UM_PER_PX**2 if areas else float("nan")


def evaluate_ice(
    segment: Segment, data: Path, numbers: Iterable[int] = FRAME_NUMBERS
) -> tuple[list[IceFigures], list[IceFigures]]:
    """Figures of whole frames, and of the held-out parts of the frames that have one."""
    published = published_mean_areas_um2(data)
    whole, held_out = [], []
    for number in numbers:
        frame = read_frame(data, number)
        said_HW = segment(frame.image_HW).labels_HW
        whole.append(evaluate_frame(frame, said_HW, published[number]))
        if number in HELD_OUT_FRAMES:
            part = held_out_part(frame)
            held_out.append(evaluate_frame(part, said_HW[:, HELD_OUT_COLUMN:], published[number]))
    return whole, held_out


def summary(frames: list[IceFigures], against_published: bool = True) -> dict[str, Any]:
    """Figures over frames with the issue's limits; held-out parts go against the labels' mean area."""
    pixels = sum((frame.pixels for frame in frames), PixelCounts())
    counts = [frame.said / frame.true - 1 for frame in frames]
    means = [
        frame.mean_area_um2
        / (frame.published_mean_area_um2 if against_published else frame.labels_mean_area_um2)
        - 1
        for frame in frames
    ]
    return {
        **pixels.figures(),
        "iou_limit": IOU_LIMIT,
        "count_error_median": round(float(np.median(np.abs(counts))), 4),
        "count_error_limit": COUNT_LIMIT,
        "count_bias_median": round(float(np.median(counts)), 4),
        "mean_area_error_median": round(float(np.median(np.abs(means))), 4),
        "mean_area_error_worst": round(float(np.max(np.abs(means))), 4),
        "mean_area_bias_median": round(float(np.median(means)), 4),
        "mean_area_error_limit": MEAN_AREA_LIMIT,
        "found_share": round(sum(f.matched for f in frames) / sum(f.true for f in frames), 4),
        "frames": {
            frame.number: {
                "iou": round(frame.pixels.iou, 4),
                "count": frame.said,
                "labels": frame.true,
                "mean_area_um2": round(frame.mean_area_um2, 1),
                "published_um2": round(frame.published_mean_area_um2, 1),
                "labels_um2": round(frame.labels_mean_area_um2, 1),
            }
            for frame in frames
        },
    }
