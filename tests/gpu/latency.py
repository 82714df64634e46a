"""How long one tile takes, from image in memory to probabilities in memory, and the bar for the card that is named."""

from __future__ import annotations

import time

import numpy as np

from engine.backends import SegmentationBackend

BAR_MS = 25.0
"""Median at 1024² that a card of the named kinds must reach."""
NAMED_CARDS = ("RTX 3070", "RTX 3080", "RTX 3090", "RTX 4070", "RTX 4080", "RTX 4090", "RTX 5070", "RTX 5080")
"""An RTX 3070, or better."""


def latencies_ms(backend: SegmentationBackend, *, repeats: int, side_px: int = 1024) -> dict[str, float]:
    """Median, 99th percentile and worst of single tiles, milliseconds, after a warm-up."""
    tile = np.random.default_rng(0).normal(size=(1, 1, side_px, side_px)).astype(np.float32).clip(-6, 6)
    backend.prepare(side_px, side_px)
    for _ in range(min(20, repeats)):
        backend.infer(tile)
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        backend.infer(tile)
        taken.append(1e3 * (time.perf_counter() - started))
    p50, p99 = np.percentile(taken, [50, 99])
    return {"p50_ms": float(p50), "p99_ms": float(p99), "worst_ms": max(taken)}
