"""Does int8 (NNCF, post-training, real calibration frames) earn its place beside bf16? Speed and parity in one run.

    PYTHONPATH=. python tests/benchmarks/bench_int8.py [--side 1024] [--rounds 5] [--threads 0] [--json PATH]

Needs nncf, which the project does not depend on: `pip install nncf`. It calibrates on simulated frames and, where
the shared data are there, on the left halves of ice frames, which the weights were trained on; parity is measured on
the model's parity frames and on right halves, against OpenVINO in f32. Variants keep ever more of the network in bf16:
all but the convolutions; the first and the last of these; all at the frame's own resolution.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import openvino
from numpy.typing import NDArray
from report import Report, by_turns, options_of

from engine import load_card
from engine.backends.contract import logit_shifts
from engine.card import ModelCard
from engine.parity import ParityFrames, ParityLimits, compare
from engine.preprocess import preprocess
from monitor.simulation import PRESETS, SimulatedMicroscope

SIDE_PX = 512
SIMULATED = 12
ICE_FRAMES = range(2, 24, 2)
LATER_ICE_FRAMES = range(25, 34, 4)

LEFT_ALONE = ("Multiply", "Add", "Subtract", "Interpolate", "MatMul", "ReduceMean", "AvgPool")
"""Mish, the gates, the fusion and the pooling matrices: in int8 these alone cost 4 % of the masks' IoU."""

Image = NDArray[np.generic]


def simulated(seed: int, count: int) -> Iterator[Image]:
    """Frames of all presets, at several moments."""
    names = sorted(PRESETS)
    for number in range(count):
        settings = PRESETS[names[number % len(names)]].model_copy(
            update={"seed": seed + number, "width_px": SIDE_PX, "height_px": SIDE_PX}
        )
        moment_s = settings.duration_s * (0.3 + 0.6 * number / count)
        yield np.ascontiguousarray(SimulatedMicroscope(settings).render_only(moment_s))


def ice(frames: range, left: bool) -> Iterator[Image]:
    """Halves of ice frames; none without the shared data."""
    root = Path(os.environ.get("CRYSTAL_MONITOR_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    for number in frames:
        file = root / "ice-coarsening" / "frames" / f"frame_{number:02d}.png"
        if file.exists():
            image = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
            yield np.ascontiguousarray(image[:SIDE_PX, :SIDE_PX] if left else image[:SIDE_PX, -SIDE_PX:])


def network(card: ModelCard) -> openvino.Model:
    """The graph with calibrated probabilities as its output, as the back end has it."""
    from openvino import opset15 as operations

    model = openvino.Core().read_model(card.onnx_path)
    logits = model.outputs[0].get_node().input_value(0)
    shift = np.asarray(logit_shifts(card.positive_weights), np.float32).reshape(1, -1, 1, 1)
    shifted = operations.subtract(logits, operations.constant(shift))
    return openvino.Model([operations.result(operations.sigmoid(shifted))], model.get_parameters(), card.name)


def kept_in_bf16(model: openvino.Model, levels: int) -> list[str]:
    """Names of convolutions left alone: first and last (0), or all whose output has one of the finest sizes."""
    convolutions = [node for node in model.get_ordered_ops() if "Convolution" in node.get_type_name()]
    kept = [convolutions[0], convolutions[-1]]
    kept += [node for node in convolutions if node.get_output_shape(0)[-1] > SIDE_PX >> levels]
    return sorted({node.get_friendly_name() for node in kept})


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
    calibration = [
        preprocess(image)[None, None] for image in (*simulated(100, SIMULATED), *ice(ICE_FRAMES, left=True))
    ]
    variants: dict[str, openvino.Model] = {
        "int8, NNCF's defaults": nncf.quantize(
            network(card), nncf.Dataset(calibration), subset_size=len(calibration)
        )
    }
    for name, levels in (
        ("int8 convolutions", None),
        ("int8 convolutions, first and last bf16", 0),
        ("int8 convolutions, finest level bf16", 1),
    ):
        model = network(card)
        model.reshape([1, 1, SIDE_PX, SIDE_PX])
        kept = [] if levels is None else kept_in_bf16(model, levels)
        variants[name] = nncf.quantize(
            model,
            nncf.Dataset(calibration),
            preset=nncf.QuantizationPreset.MIXED,  # activations of Mish are lopsided
            subset_size=len(calibration),
            ignored_scope=nncf.IgnoredScope(names=kept, types=list(LEFT_ALONE), validate=False),
            advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True),
        )
    variants["bf16"] = network(card)
    core = openvino.Core()

    def compiled(model: openvino.Model, side: int, precision: str) -> openvino.CompiledModel:
        model.reshape([1, 1, side, side])
        hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if options.threads:
            hints["INFERENCE_NUM_THREADS"] = str(options.threads)
        return core.compile_model(model, "CPU", hints)

    images = [image for image, _ in ParityFrames.load(card)] if card.parity_sha256 else []
    images = [image for image in images if min(image.shape) >= SIDE_PX]
    images = [image[:SIDE_PX, :SIDE_PX] for image in images]
    images += [*simulated(900, 6), *ice(LATER_ICE_FRAMES, left=False)]
    inputs = [preprocess(np.ascontiguousarray(image))[None, None] for image in images]
    reference = compiled(network(card), SIDE_PX, "f32")
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
