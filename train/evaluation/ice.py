"""Ice against its labels and the published summary."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np

from train.ice_frames import (
    FOLDER,
    FRAME_NUMBERS,
    HELD_OUT_COLUMN,
    HELD_OUT_FRAMES,
    UM_PER_PX,
    held_out_part,
    read_frame,
)
from train.metrics import ScoreSheet
from train.metrics.overlap import areas_px
from train.segmenting import Found

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy.typing as npt

    from train.segmenting import Segment


def published_mean_areas_um2(data: Path) -> dict[int, float]:
    """The authors' mean area by frame, µm²."""
    with (data / FOLDER / "published_summary.csv").open(newline="", encoding="utf-8") as file:
        return {int(row["FrameIndex"]): float(row["MeanArea_um2"]) for row in csv.DictReader(file)}


def evaluate_ice(
    segment: Segment, data: Path, numbers: Iterable[int] = FRAME_NUMBERS
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of whole frames, and of the held-out parts of the frames that have one.

    Mean areas of whole frames are held to the authors' figures, those of held-out parts to the labels'.
    """
    published = published_mean_areas_um2(data)
    whole, held_out = ScoreSheet(instances=True), ScoreSheet(instances=True)
    rows: list[dict[str, Any]] = []
    held_out_rows: list[dict[str, Any]] = []
    for number in numbers:
        frame = read_frame(data, number)
        found = segment(frame.image_HW)
        whole.add(str(number), found, frame.labels_HW)
        rows.append(_row(number, found.labels_HW, frame.labels_HW, published[number]))
        if number in HELD_OUT_FRAMES:
            said_HW, true_HW = found.labels_HW[:, HELD_OUT_COLUMN:], held_out_part(frame).labels_HW
            part = None if found.probability_HW is None else found.probability_HW[:, HELD_OUT_COLUMN:]
            held_out.add(str(number), Found(said_HW, found.scores, part), true_HW)
            held_out_rows.append(_row(number, said_HW, true_HW, _mean_um2(true_HW)))
    return _figures(whole, rows), _figures(held_out, held_out_rows)


def _row(
    number: int, said_HW: npt.NDArray[np.int32], true_HW: npt.NDArray[np.int32], reference_um2: float
) -> dict[str, Any]:
    said, true = len(areas_px(said_HW)), len(areas_px(true_HW))
    mean_um2 = _mean_um2(said_HW)
    return {
        "frame": number,
        "count": said,
        "labels": true,
        "count_error": said / true - 1,
        "mean_area_um2": mean_um2,
        "reference_um2": reference_um2,
        "mean_area_error": mean_um2 / reference_um2 - 1,
    }


def _mean_um2(labels_HW: npt.NDArray[np.int32]) -> float:
    areas = areas_px(labels_HW)
    return float(np.mean(list(areas.values()))) * UM_PER_PX**2 if areas else float("nan")


def _figures(sheet: ScoreSheet, rows: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"scores": sheet.scores().model_dump()}
    for name in ("count_error", "mean_area_error") if rows else ():
        errors = np.array([row[name] for row in rows])
        found[f"{name}_median"] = float(np.median(np.abs(errors)))
        found[f"{name}_worst"] = float(np.max(np.abs(errors)))
        found[f"{name}_bias"] = float(np.median(errors))
    return found | {"frames": rows}
