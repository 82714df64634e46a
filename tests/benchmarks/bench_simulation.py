"""Speed of the simulated microscope on one core, against filling a frame of the same size with noise."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
from report import Report, options_of

from monitor.simulation import PRESETS, SCENE_FAMILIES, SimulatedMicroscope, training_scene

FRAMES = 40
LIMIT_PER_S = {"demo": 30.0, "training_scene": 40.0}


def rate_per_s(work: Callable[[int], object], count: int = FRAMES) -> float:
    """Calls a second of processor time, after one call to warm up."""
    work(0)
    start = time.process_time()
    for number in range(count):
        work(number)
    return count / (time.process_time() - start)


def main() -> None:
    """Measure frames a second, and how many noise frames of the same size the same time gives."""
    options = options_of(__doc__).parse_args()
    cv2.setNumThreads(1)
    report = Report("simulation", "The simulated microscope, frames per second of processor time")
    for name in ("demo", "ripening", "dense"):
        scope = SimulatedMicroscope(PRESETS[name])
        noise = np.empty((scope.settings.height_px, scope.settings.width_px), np.float32)
        floor = rate_per_s(lambda _, noise=noise: cv2.randn(noise, 0.5, 0.01))
        late = scope.settings.duration_s / 2
        full = rate_per_s(lambda k, scope=scope, late=late: scope.at(late + k))
        render = rate_per_s(lambda k, scope=scope, late=late: scope.render_only(late + k))
        report.add(f"{name}: render_only", render, "/s")
        report.add(f"{name}: at", full, "/s", at_least=LIMIT_PER_S.get(name))
        report.add(f"{name}: noise fill of the same size / at", floor / full, "×")
    rng = np.random.default_rng(1)
    for family in (*SCENE_FAMILIES, None):
        speed = rate_per_s(lambda _, family=family: training_scene(rng, family=family))
        limit = LIMIT_PER_S["training_scene"] if family is None else None
        report.add(f"training_scene, {family or 'as mixed'}, 256×256", speed, "/s", at_least=limit)
    report.finish(options.json)


if __name__ == "__main__":
    main()
