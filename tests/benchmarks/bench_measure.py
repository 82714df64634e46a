"""`monitor.measure` on drawn discs against scikit-image's `regionprops_table`, on the same labels, in the same run."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from report import Report, by_turns, options_of
from skimage.measure import regionprops_table

from monitor.measure import measure
from monitor.settings.measuring import MeasuringSettings

PEER_FIGURES = (
    "label",
    "area",
    "area_convex",
    "axis_major_length",
    "axis_minor_length",
    "bbox",
    "centroid",
    "feret_diameter_max",
    "intensity_mean",
    "orientation",
    "perimeter",
    "solidity",
)
REPEATS = 5


def discs(count: int, side_px: int) -> NDArray[np.int32]:
    """A square grid of discs that nearly touch."""
    labels_HW = np.zeros((side_px, side_px), np.int32)
    columns = int(np.ceil(np.sqrt(count)))
    pitch = side_px // columns
    for index in range(count):
        centre = (index % columns * pitch + pitch // 2, index // columns * pitch + pitch // 2)
        cv2.circle(labels_HW, centre, int(pitch * 0.45), index + 1, -1)
    return labels_HW


def main() -> None:
    options = options_of(__doc__).parse_args()
    cv2.setNumThreads(1)
    settings = MeasuringSettings()
    report = Report("measure", "Measuring against scikit-image's regionprops_table, processor time")
    for count, side_px, limit_ms in ((300, 1024, 40), (3500, 1088, 400)):
        labels_HW = discs(count, side_px)
        probability_HW = cv2.GaussianBlur((labels_HW > 0).astype(np.float32), (0, 0), 0.7)
        probability_HW = np.asarray(probability_HW, np.float32)
        times = by_turns(
            {
                "monitor.measure": partial(measure, labels_HW, probability_HW, None, 0.5, settings),
                "regionprops_table": partial(
                    regionprops_table, labels_HW, probability_HW, properties=PEER_FIGURES
                ),
            },
            REPEATS,
        )
        ours, peer = times.values()
        scene = f"{count} crystals, {side_px}×{side_px}"
        report.add(f"{scene}: monitor.measure", ours.median_processor_s * 1e3, "ms", at_most=limit_ms)
        report.add(f"{scene}: regionprops_table", peer.median_processor_s * 1e3, "ms")
        report.add(f"{scene}: times as fast", ours.processor_times_as_fast_as(peer), "×")
    report.finish(options.json)


if __name__ == "__main__":
    main()
