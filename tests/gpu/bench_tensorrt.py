"""Latency on the card against the processor: `python -m tests.gpu.bench_tensorrt` on a machine with one.

Image in memory to probabilities in memory, 1024², shipped weights. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from engine import load_card
from engine.backends import SegmentationBackend, create_backend
from engine.backends.tensorrt import TensorRtBackend
from engine.errors import BackendUnavailableError

BAR_MS = 25.0
"""Median at 1024² that a card of the named kind must reach."""
NAMED_CARD = ("RTX 3070", "RTX 3080", "RTX 3090", "RTX 4070", "RTX 4080", "RTX 4090", "RTX 5070", "RTX 5080")


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
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3), "worst_ms": round(max(taken), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--engines", type=Path, help="folder of engines built ahead of time")
    arguments = parser.parse_args()
    card = load_card()
    figures: dict[str, dict[str, float]] = {}
    try:
        for precision in ("fp16", "fp32"):
            started = time.perf_counter()
            engines = [arguments.engines] if arguments.engines else []
            backend = TensorRtBackend(card, precision=precision, engines=engines)
            backend.prepare(1024, 1024)
            ready_s = time.perf_counter() - started
            measured = latencies_ms(backend, repeats=arguments.repeats)
            graph = float(1 in backend.graphs)
            figures[backend.describe()] = measured | {"ready_s": round(ready_s, 2), "cuda_graph": graph}
            backend.close()
    except BackendUnavailableError as error:
        print(f"skipped, no card: {error}")
    processor = create_backend("openvino", card)
    figures[processor.describe()] = latencies_ms(processor, repeats=max(3, arguments.repeats // 50))
    for name, values in figures.items():
        print(f"{name:16} " + "  ".join(f"{key} {value:g}" for key, value in values.items()))
    print(json.dumps({"bench": "tensorrt", "bar_ms": BAR_MS, "figures": figures}))


if __name__ == "__main__":
    main()
