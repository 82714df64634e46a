"""A training step of the network that ships, in bfloat16, against torch's own Mish, full precision and peak speed.

    PYTHONPATH=. python tests/benchmarks/bench_training.py [--rounds 5] [--threads 2] [--json PATH]

The step is the training loop's own: forward, losses, backward, clipping, AdamW, average of the weights. The peak is a
bfloat16 matrix product of 2048×2048 in torch. Operations are counted by torch: convolutions and matrix products alone,
so that what is lost to Mish, normalisation and copies shows as a smaller share of the peak. The last rows say how many
processes have to make crops so that the step need not wait.
"""

from __future__ import annotations

from functools import partial
from itertools import count

import cv2
import numpy as np
import torch
from report import Report, Work, by_turns, options_of
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from train.batch import Batch
from train.first_weights import first_weights
from train.half_mish import HalfMish
from train.mixed_crops import MixedCrops
from train.run import Run
from train.stream import Crops, batches

PRODUCT_SIDE = 2048
RATE = 1e-4


def run_of(*, half: bool, table: bool = True) -> Run:
    """The run of the weights that ship, at its first step."""
    run = Run(first_weights().model_copy(update={"half_precision": half}), None, None)
    for module in list(run.network.modules()):
        for name, child in module.named_children():
            if isinstance(child, HalfMish) and not table:
                setattr(module, name, nn.Mish())
    return run


def flops_of_a_step(batch: Batch) -> float:
    """Operations of one step as torch counts them."""
    with FlopCounterMode(display=False) as counter:
        run_of(half=False).take_step(batch, RATE)
    return float(counter.get_total_flops())


def main() -> None:
    """Measure by turns and report."""
    parser = options_of(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    configuration = first_weights()
    source = MixedCrops(configuration.mix, None)
    batch: Batch = next(iter(batches(configuration, source, 0, workers=0)))
    flops = flops_of_a_step(batch)
    runs = {
        "step, bfloat16": run_of(half=True),
        "step, bfloat16, torch's Mish": run_of(half=True, table=False),
        "step, full precision": run_of(half=False),
    }
    matrix = torch.randn(PRODUCT_SIDE, PRODUCT_SIDE, generator=torch.Generator().manual_seed(0)).bfloat16()
    crops, numbers = Crops(configuration, source), count(1000)

    def step_of(run: Run) -> object:
        return run.take_step(batch, RATE)["loss"].item()

    works: dict[str, Work] = {name: partial(step_of, run) for name, run in runs.items()}
    works["matrix product"] = lambda: matrix @ matrix
    works["64 crops, one process"] = lambda: [crops[next(numbers)] for _ in range(64)]
    times = by_turns(works, options.rounds)
    report = Report("training", f"A training step of 4 crops of 256×256, {options.threads} threads")
    peak = 2 * PRODUCT_SIDE**3 / times["matrix product"].median_s / 1e9
    for name in runs:
        seconds = times[name].median_s
        report.add(f"{name}: wall", seconds * 1e3, "ms")
        report.add(f"{name}: crops", configuration.batch / seconds, "a second")
        report.add(f"{name}: speed", flops / seconds / 1e9, "GFLOP/s")
        report.add(f"{name}: share of the peak", flops / seconds / 1e9 / peak)
    ours = times["step, bfloat16"]
    for name in list(runs)[1:]:
        report.add(f"{name} / bfloat16, wall", ours.times_as_fast_as(times[name]), "×")
        report.add(f"{name} / bfloat16, processor", ours.processor_times_as_fast_as(times[name]), "×")
    report.add("peak: bfloat16 matrix product in torch", peak, "GFLOP/s")
    made = 64 / times["64 crops, one process"].median_s
    report.add("crops made by one process", made, "a second")
    report.add(
        "processes that keep up with the step", float(np.ceil(configuration.batch / ours.median_s / made))
    )
    report.finish(options.json)


if __name__ == "__main__":
    main()
