"""The back ends of a station without a card, against each other and against what torch can do, in one run.

    python tests/benchmarks/bench_engine.py [--side 1024] [--rounds 5] [--threads 0] [--no-compile] [--json PATH]

Every round calls every work once; a ratio is the median over the rounds of the ratios within a round, so that noise
which lasts longer than a round cancels. FLOPs are counted by torch (a multiplication and an addition are two).
Mask R-CNN (torchvision, ResNet-50 v2, random weights) stands for what a user would take instead.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from processor_limit import dot_products
from report import Report, Times, Work, by_turns, options_of
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode

from engine import load_card
from engine.backends import create_backend
from engine.network.crystal_network import CrystalNetwork
from engine.preprocess import preprocess
from monitor.simulation import PRESETS, SimulatedMicroscope

MATRIX_SIDE = 4096
PLAIN = "torch fp32, plain eager"
CHANNELS_LAST = "torch fp32, channels_last, inference mode"
COMPILED = "torch fp32, compiled (inductor)"
AUTOCAST = "torch bf16 autocast, channels_last"
MASK_R_CNN = "torchvision Mask R-CNN ResNet-50 v2"
MATRIX = "torch bf16 matrix product"
LIMIT = "the processor's own limit in bf16"


def load_network() -> CrystalNetwork:
    """The shipped weights in a torch module of their own."""
    card = load_card()
    network = CrystalNetwork(card.network)
    network.load_state_dict(load_file(card.safetensors_path))
    return network.eval()


def gigaflops(network: torch.nn.Module, image: torch.Tensor) -> float:
    """10⁹ floating-point operations of one pass."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(image)
    return float(counter.get_total_flops()) / 1e9


def torch_works(image: torch.Tensor, compiling: bool) -> dict[str, Work]:
    """Ways to run the network in torch; `compiling` leaves out what finds no compiler."""
    plain, last = load_network(), load_network().to(memory_format=torch.channels_last)
    image_last = image.to(memory_format=torch.channels_last)

    @torch.no_grad()
    def eager() -> object:
        return plain(image)

    @torch.inference_mode()
    def channels_last() -> object:
        return last(image_last)

    @torch.inference_mode()
    def autocast() -> object:
        with torch.autocast("cpu", torch.bfloat16):
            return last(image_last)

    works: dict[str, Work] = {PLAIN: eager, CHANNELS_LAST: channels_last, AUTOCAST: autocast}
    if compiling:
        compiled = torch.compile(last)

        @torch.inference_mode()
        def inductor() -> object:
            return compiled(image_last)

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                inductor()
            works[COMPILED] = inductor
        except (RuntimeError, OSError) as error:  # no compiler
            print(f"torch.compile cannot be measured here: {str(error).splitlines()[0]}")
    return works


def mask_r_cnn(side: int) -> Work | None:
    """A pass of torchvision's Mask R-CNN at the frame's own size."""
    try:
        from torchvision.models.detection import maskrcnn_resnet50_fpn_v2
    except ImportError:
        print("torchvision is not installed: no Mask R-CNN")
        return None
    model = maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None, min_size=side, max_size=side).eval()
    image = torch.rand(3, side, side)

    @torch.inference_mode()
    def run() -> object:
        return model([image])

    return run


def main() -> None:
    """Measure by turns and report."""
    parser = options_of(__doc__)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as there are cores")
    parser.add_argument("--no-compile", action="store_true", help="leave out torch.compile (a minute)")
    options = parser.parse_args()
    threads = options.threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    scope = SimulatedMicroscope(
        PRESETS["dense"].model_copy(update={"width_px": options.side, "height_px": options.side})
    )
    frame = np.ascontiguousarray(scope.render_only(1000.0))
    normalised = preprocess(frame)[None, None]
    image = torch.from_numpy(normalised)
    works = torch_works(image, not options.no_compile)
    report = Report("engine", f"Back ends, {options.side}×{options.side}, shipped weights, {threads} threads")
    work_gflop = gigaflops(load_network(), image)
    report.add("network", work_gflop, "GFLOP")
    with TemporaryDirectory() as folder:
        served = {}
        for precision in ("f32", "auto"):
            backend = create_backend(
                "openvino", load_card(), threads=threads, cache=Path(folder), precision=precision
            )
            backend.prepare(options.side, options.side)
            served[backend.describe()] = backend
            works[backend.describe()] = lambda backend=backend: backend.infer(normalised)
        best_name = list(served)[-1]
        left = torch.randn(MATRIX_SIDE, MATRIX_SIDE, dtype=torch.bfloat16)
        right = torch.randn(MATRIX_SIDE, MATRIX_SIDE, dtype=torch.bfloat16)
        works[MATRIX] = lambda: left @ right
        limit = dot_products(threads)
        if limit is not None:
            works[LIMIT] = limit[0]
        peer = mask_r_cnn(options.side)
        if peer is not None:
            works[MASK_R_CNN] = peer
        times = by_turns(works, options.rounds)
    for name, each in times.items():
        report.add(f"{name}, wall", each.median_s * 1e3, "ms")
    _ratios(report, times, best_name, work_gflop)
    if limit is not None:
        _beside_the_limit(report, times, best_name, work_gflop, limit[1])
    _preprocessing(report, frame, options.rounds)
    report.finish(options.json)


def _ratios(report: Report, times: dict[str, Times], best_name: str, work_gflop: float) -> None:
    ours = times[best_name]
    best_torch = min(
        (name for name in (PLAIN, CHANNELS_LAST, COMPILED) if name in times),
        key=lambda name: times[name].median_s,
    )
    report.add(
        f"{best_name} / {best_torch} (best torch fp32)",
        ours.times_as_fast_as(times[best_torch]),
        "×",
        at_least=3,
    )
    report.add(f"{best_name} / {PLAIN}", ours.times_as_fast_as(times[PLAIN]), "×", at_least=6)
    for name in (CHANNELS_LAST, AUTOCAST, MASK_R_CNN):
        if name in times:
            report.add(f"{best_name} / {name}", ours.times_as_fast_as(times[name]), "×")
    matrix_gflop = 2 * MATRIX_SIDE**3 / 1e9
    report.add(f"{best_name}, effective", work_gflop / ours.median_s, "GFLOP/s")
    report.add(MATRIX, matrix_gflop / times[MATRIX].median_s, "GFLOP/s")
    speed = ours.times_as_fast_as(times[MATRIX]) * work_gflop / matrix_gflop
    report.add(f"{best_name} / {MATRIX}, GFLOP/s", speed, "×", at_least=1.3)


def _beside_the_limit(
    report: Report, times: dict[str, Times], best_name: str, work_gflop: float, limit_gflop: float
) -> None:
    limit = limit_gflop / min(times[LIMIT].wall_s)  # what was ever reached: a disturbed round is no limit
    report.add(LIMIT, limit, "GFLOP/s")
    for name, gflop in ((best_name, work_gflop), (MATRIX, 2 * MATRIX_SIDE**3 / 1e9)):
        report.add(f"{name} / {LIMIT}, GFLOP/s", gflop / times[name].median_s / limit, "×")


def _preprocessing(report: Report, frame: np.ndarray, rounds: int) -> None:
    wide = frame.astype(np.uint16) * 257

    def as_the_formula_stands() -> np.ndarray:
        grey = frame.astype(np.float32)
        return np.clip((grey - np.median(grey)) / max(grey.std(), 0.015 * 255), -6, 6)

    times = by_turns(
        {
            "engine.preprocess, 8 bit": lambda: preprocess(frame),
            "engine.preprocess, 16 bit": lambda: preprocess(wide),
            "numpy, as the formula stands": as_the_formula_stands,
        },
        rounds,
    )
    for name, each in times.items():
        report.add(name, each.median_s * 1e3, "ms")


if __name__ == "__main__":
    main()
