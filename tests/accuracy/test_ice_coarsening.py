"""Bar 3: dense ice that coarsens, against published labels and figures; total area falls, nothing grows falsely."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import pytest

from engine import Segmenter
from tests.accuracy.conftest import Replayed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

UM_PER_PX = 0.44
FIRST_FRAME = 2


@pytest.fixture(scope="module")
def ice(shared_data: Path, replay_folder: Callable[..., Replayed]) -> Replayed:
    # No interval is published: a minute from frame to frame is this test's own choice.
    return replay_folder(shared_data / "ice-coarsening" / "frames", interval_s=60.0, um_per_px=UM_PER_PX)


def measured_areas(ice: Replayed) -> dict[int, list[float]]:
    """Areas in µm² by the data set's own frame number, border crystals included."""
    areas: dict[int, list[float]] = defaultdict(list)
    for point in ice.points:
        if not point["carried"]:
            areas[int(str(point["frame_index"])) + FIRST_FRAME].append(float(str(point["area_um2"])))
    return areas


def labelled_counts(shared_data: Path) -> dict[int, int]:
    """Crystals in each published label image."""
    counts = {}
    for path in sorted((shared_data / "ice-coarsening" / "labels").glob("*.png")):
        labels_HW = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        counts[int(path.stem.rpartition("_")[2])] = len(np.unique(labels_HW)) - 1
    return counts


def test_pooled_iou_against_the_labels(shared_data: Path) -> None:
    segmenter = Segmenter()
    both = either = 0
    for path in sorted((shared_data / "ice-coarsening" / "frames").glob("*.png")):
        labels_HW = cv2.imread(str(path.parent.parent / "labels" / path.name), cv2.IMREAD_UNCHANGED)
        image_HW = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert image_HW is not None
        found_HW = segmenter.segment(image_HW).labels_HW > 0
        both += int(np.count_nonzero(found_HW & (labels_HW > 0)))
        either += int(np.count_nonzero(found_HW | (labels_HW > 0)))
    assert both / either >= 0.88


def test_crystals_per_frame_in_the_median_frame(ice: Replayed, shared_data: Path) -> None:
    areas, labelled = measured_areas(ice), labelled_counts(shared_data)
    assert len(labelled) == 32
    off = median(abs(len(areas[number]) / count - 1) for number, count in labelled.items())
    assert off <= 0.10


def test_mean_area_against_the_published_summary(ice: Replayed, shared_data: Path) -> None:
    areas = measured_areas(ice)
    with (shared_data / "ice-coarsening" / "published_summary.csv").open(encoding="utf-8") as file:
        published = {int(row["FrameIndex"]): float(row["MeanArea_um2"]) for row in csv.DictReader(file)}
    off = {number: float(np.mean(found)) / published[number] - 1 for number, found in areas.items()}
    assert median(abs(value) for value in off.values()) <= 0.08, off


def test_total_area_falls_and_the_state_is_ripening(ice: Replayed) -> None:
    totals = [float(str(frame["total_area_px"])) for frame in ice.frames]
    assert totals[-1] < 0.8 * totals[0], "the control: total area does fall"
    states = [frame["state"] for frame in ice.frames]
    assert states[-1] == "ripening"
    assert "complete" not in states
    assert "growing" not in states


def test_no_growth_alert_and_no_completion(ice: Replayed) -> None:
    kinds = {event["alert_kind"] for event in ice.events if event["kind"] == "alert_raised"}
    assert not kinds & {"growth_rate", "complete"}
    assert ice.summary["completed_at"] is None
