"""The tracker's step against trackpy's kind of linking (nearest centres by a dense assignment), in the same run."""

from __future__ import annotations

import time

import cv2
import numpy as np
from numpy.typing import NDArray
from report import Report, options_of
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from monitor.measure import measure
from monitor.settings.measuring import MeasuringSettings
from monitor.settings.tracking import TrackingSettings
from monitor.tracker import TrackerInput, TrackerState, step

FRAMES = 8


def scene(count: int, side_px: int, frame: int) -> NDArray[np.int32]:
    """A grid of discs that grow, jitter, and are now and then missing."""
    rng = np.random.default_rng(frame)
    labels_HW = np.zeros((side_px, side_px), np.int32)
    columns = int(np.ceil(np.sqrt(count)))
    pitch = side_px // columns
    for index in range(count):
        if rng.random() < 0.02:
            continue
        centre = np.array([index % columns, index // columns]) * pitch + pitch // 2 + rng.integers(-1, 2, 2)
        cv2.circle(labels_HW, tuple(map(int, centre)), int(pitch * 0.4 + 0.05 * frame), index + 1, -1)
    return labels_HW


def main() -> None:
    options = options_of(__doc__).parse_args()
    cv2.setNumThreads(1)
    report = Report("tracker", "Tracking, processor time a frame")
    for count, side_px, limit_ms in ((300, 1024, 15), (3500, 1088, 500)):
        state = TrackerState()
        ours, peer, before = [], [], np.empty((0, 2))
        for frame in range(FRAMES):
            labels_HW = scene(count, side_px, frame)
            seen = measure(labels_HW, None, None, None, MeasuringSettings())
            start = time.process_time()
            state, _ = step(state, TrackerInput(frame, 10.0 * frame, labels_HW, seen), TrackingSettings())
            ours.append(time.process_time() - start)
            centres = np.array([(each.centroid_x_px, each.centroid_y_px) for each in seen])
            start = time.process_time()
            if len(before):
                linear_sum_assignment(np.minimum(cdist(before, centres), 50))
            peer.append(time.process_time() - start)
            before = centres
        mine, theirs = np.median(ours[1:]), np.median(peer[1:])
        scene_name = f"{count} crystals, {side_px}×{side_px}"
        report.add(f"{scene_name}: tracker.step", mine * 1e3, "ms", at_most=limit_ms)
        report.add(f"{scene_name}: dense assignment of centres alone", theirs * 1e3, "ms")
        report.add(f"{scene_name}: times as fast", theirs / mine, "×")
    report.finish(options.json)


if __name__ == "__main__":
    main()
