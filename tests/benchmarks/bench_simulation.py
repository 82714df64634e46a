"""Speed of the simulated microscope on one core, against filling a frame of the same size with noise."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

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
    """Print frames a second, and how many noise frames of the same size the same time gives."""
    cv2.setNumThreads(1)
    for name in ("demo", "ripening", "dense"):
        scope = SimulatedMicroscope(PRESETS[name])
        noise = np.empty((scope.settings.height_px, scope.settings.width_px), np.float32)
        floor = rate_per_s(lambda _, noise=noise: cv2.randn(noise, 0.5, 0.01))
        late = scope.settings.duration_s / 2
        render = rate_per_s(lambda k, scope=scope, late=late: scope.render_only(late + k))
        full = rate_per_s(lambda k, scope=scope, late=late: scope.at(late + k))
        limit = LIMIT_PER_S.get(name)
        print(
            f"{name} {noise.shape[1]}x{noise.shape[0]}: render_only {render:.0f}/s, at {full:.0f}/s, "
            f"noise fill {floor:.0f}/s, ratio {floor / full:.1f}"
            + (f", limit {limit:.0f}/s: {'ok' if full >= limit else 'TOO SLOW'}" if limit else "")
        )
    rng = np.random.default_rng(1)
    for family in (*SCENE_FAMILIES, None):
        speed = rate_per_s(lambda _, family=family: training_scene(rng, family=family))
        verdict = ""
        if family is None:
            limit = LIMIT_PER_S["training_scene"]
            verdict = f", limit {limit:.0f}/s: {'ok' if speed >= limit else 'TOO SLOW'}"
        print(f"training_scene {family or 'as mixed'} 256x256: {speed:.0f}/s{verdict}")


if __name__ == "__main__":
    main()
