"""From the start of a process to its first mask, and what the parity gate costs and finds.

Run `python tests/benchmarks/bench_start.py [--side 1024] [--repeats 3] [--json PATH]`. Every start is a process of its
own, its wall time counted from before it exists to its end; torch is barred from it. Cold: without any cache of
compiled graphs or passed gates; warm: with both.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from report import Report, options_of

from engine import load_card
from engine.backends import create_backend
from engine.errors import BackendUnavailableError
from engine.parity import ParityGate

_FIRST_MASK = """
import sys
sys.modules["torch"] = None  # a station without torch
from pathlib import Path
import numpy as np
from engine import Segmenter
cache, side = Path(sys.argv[1]), int(sys.argv[2])
image = np.random.default_rng(0).integers(90, 160, (side, side)).astype(np.uint8)
found = Segmenter(cache=cache).segment(image)
assert found.labels_HW.shape == image.shape
"""
BACK_ENDS = (("openvino", "bf16"), ("openvino", "f32"), ("torch", "f32"))


def first_mask_s(cache: Path, side: int) -> float:
    """Wall seconds of a process that gives one mask."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", _FIRST_MASK, str(cache), str(side)], check=True)
    return time.perf_counter() - begun


def main() -> None:
    """Print the table; write the JSON where it is asked for."""
    parser = options_of(__doc__)
    parser.add_argument("--side", type=int, default=1024, help="side of the frame, px (1024)")
    parser.add_argument("--repeats", type=int, default=3, help="starts of each kind (3)")
    options = parser.parse_args()
    report = Report("start", f"First mask of {options.side}×{options.side} px, process start included")
    cold_s, warm_s = [], []
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            cold_s.append(first_mask_s(Path(folder), options.side))
            warm_s.append(first_mask_s(Path(folder), options.side))
    report.add("first mask, cold", statistics.median(cold_s), "s", at_most=10)
    report.add("first mask, warm", statistics.median(warm_s), "s", at_most=3)
    card = load_card()
    for name, precision in BACK_ENDS:
        try:
            backend = create_backend(name, card, precision=precision)
        except BackendUnavailableError as missing:
            print(missing)
            continue
        gate = ParityGate(card)
        begun = time.perf_counter()
        figures = gate.measure(backend)
        passed_s = time.perf_counter() - begun
        what, limits = backend.describe(), card.parity_limits_of(backend.describe())
        report.add(f"{what}: gate, compile included", passed_s, "s")
        report.add(f"{what}: mask IoU", figures.mask_iou, at_least=limits.mask_iou)
        report.add(f"{what}: area bias", abs(figures.area_bias), at_most=limits.area_bias)
        difference = figures.area_difference_p99
        report.add(f"{what}: area differences, p99", difference, at_most=limits.area_difference_p99)
        report.add(f"{what}: bodies found", figures.bodies_found, at_least=limits.bodies_found)
        backend.close()
    report.finish(options.json)


if __name__ == "__main__":
    main()
