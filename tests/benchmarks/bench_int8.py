"""Does int8 (NNCF, post-training, real calibration frames) earn its place beside bf16? Speed and parity in one run.

    PYTHONPATH=. python tests/benchmarks/bench_int8.py [--side 1024] [--rounds 5] [--threads 0] [--json PATH]

Needs the extra `int8`. It calibrates on simulated frames and, where
the shared data are there, on the left halves of ice frames, which the weights were trained on; parity is measured on
the model's parity frames and on right halves, against OpenVINO in f32. Variants keep ever more of the network in bf16:
all but the convolutions; the first and the last of these; all at the frame's own resolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray
from report import Report, by_turns, options_of

from engine import load_card
from engine.backends.openvino import probability_graph
from engine.backends.openvino_core import openvino_core
from engine.parity import ParityFrames, ParityLimits, compare
from engine.preprocess import preprocess
from train.ice_frames import data_folder, read_frame
from train.quantising import SIDE_PX, calibration_frames, quantise, simulated_frames

LATER_ICE_FRAMES = range(25, 34, 4)


def later_ice(data: Path | None) -> Iterator[NDArray[np.uint8]]:
    """Right halves of ice frames, which nothing was calibrated or trained on; none without the shared data."""
    for number in LATER_ICE_FRAMES if data is not None else ():
        yield np.ascontiguousarray(read_frame(data, number).image_HW[:SIDE_PX, -SIDE_PX:])


def main() -> None:
    """Quantise, compare, time."""
    parser = options_of(__doc__)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    try:
        import nncf
    except ImportError:
        print("nncf is not installed; int8 cannot be tried: pip install nncf")
        return
    card = load_card()
    data = data_folder(None)
    calibration = calibration_frames(data)
    inputs = [preprocess(image)[None, None] for image in calibration]
    variants: dict[str, openvino.Model] = {
        "int8, NNCF's defaults": nncf.quantize(
            probability_graph(card), nncf.Dataset(inputs), subset_size=len(inputs)
        ),
        "int8 convolutions": quantise(card, calibration, "none"),
        "int8 convolutions, first and last bf16": quantise(card, calibration, "ends"),
        "int8 convolutions, finest level bf16": quantise(card, calibration, "finest"),
    }
    variants["bf16"] = probability_graph(card)
    core = openvino_core()

    def compiled(model: openvino.Model, side: int, precision: str) -> openvino.CompiledModel:
        model.reshape([1, 1, side, side])
        hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if options.threads:
            hints["INFERENCE_NUM_THREADS"] = str(options.threads)
        return core.compile_model(model, "CPU", hints)

    images = [image for image, _ in ParityFrames.load(card)] if card.parity_sha256 else []
    images = [image for image in images if min(image.shape) >= SIDE_PX]
    images = [image[:SIDE_PX, :SIDE_PX] for image in images]
    images += [*simulated_frames(900, 6), *later_ice(data)]
    inputs = [preprocess(np.ascontiguousarray(image))[None, None] for image in images]
    reference = compiled(probability_graph(card), SIDE_PX, "f32")
    expected = [reference(each)[0][0].copy() for each in inputs]
    report = Report("int8", f"int8 by NNCF, {len(calibration)} calibration frames, parity on {len(inputs)}")
    limits = ParityLimits()
    for name, model in variants.items():
        candidate = compiled(model, SIDE_PX, "bf16")
        found = (candidate(each)[0][0].copy() for each in inputs)
        figures = compare(zip(expected, found, strict=True), card.outputs, card.thresholds)
        report.add(f"{name}: mask IoU", figures.mask_iou, at_least=limits.mask_iou)
        report.add(f"{name}: area bias, magnitude", abs(figures.area_bias), at_most=limits.area_bias)
        report.add(
            f"{name}: area differences, p99", figures.area_difference_p99, at_most=limits.area_difference_p99
        )
        report.add(f"{name}: bodies found", figures.bodies_found, at_least=limits.bodies_found)
        report.add(f"{name}: crystals", figures.crystals)
    frame = np.random.default_rng(0).standard_normal((1, 1, options.side, options.side)).astype(np.float32)
    ready = {name: compiled(model, options.side, "bf16") for name, model in variants.items()}
    works = {name: partial(model.create_infer_request().infer, {0: frame}) for name, model in ready.items()}
    times = by_turns(works, options.rounds)
    for name, each in times.items():
        report.add(f"{name}: wall", each.median_s * 1e3, "ms")
    for name in variants:
        if name != "bf16":
            report.add(f"{name} / bf16", times[name].times_as_fast_as(times["bf16"]), "×", at_least=1.3)
    report.finish(options.json)


if __name__ == "__main__":
    main()
