"""Engines for TensorRT: built here without a card, and, where there is one, their latency on it.

Run `python tests/benchmarks/bench_tensorrt.py [--widths 16 32 64] [--repeats 300] [--json PATH]`. Shipped models, and
networks of other widths with random weights; tiles of 1024², single ones and batches of 4. The time on the card is
from image in memory to probabilities in memory.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from report import Report, options_of

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from engine import ModelCard, available_models, load_card
from engine.backends.tensorrt import TensorRtBackend
from engine.errors import BackendUnavailableError
from engine.network.configuration import NetworkConfiguration
from engine.tensorrt import EngineOrder, build_engine
from tests.gpu.latency import BAR_MS, latencies_ms


def models(widths: list[int], folder: Path) -> Iterator[ModelCard]:
    """The shipped models, then those of the other widths."""
    shipped = [load_card(name) for name in available_models()]
    yield from shipped
    from engine.export import release
    from engine.network.crystal_network import CrystalNetwork

    for width in set(widths) - {card.network.width for card in shipped}:
        network = NetworkConfiguration(width=width)
        card = replace(load_card(), name=f"width{width}", network=network, parity_sha256="")
        yield release(CrystalNetwork(network).state_dict(), card, folder)


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--repeats", type=int, default=300)
    options = parser.parse_args()
    report = Report("tensorrt", "TensorRT for RTX, engines of 1024² for compute capability 8.6, 8.9 and 12.0")
    with tempfile.TemporaryDirectory() as folder:
        for model in models(options.widths, Path(folder)):
            for precision in ("fp16", "fp32"):
                begun = time.process_time()
                card = build_engine(model, EngineOrder(1024, 1024, precision)).card  # type: ignore[arg-type]
                processor_s = time.process_time() - begun
                what = f"{model.name}, width {model.network.width}, {precision}"
                report.add(f"{what}: share of operators inside", card.coverage, at_least=1)
                report.add(f"{what}: engines", card.engines, at_most=1)
                report.add(f"{what}: operators", card.operators)
                report.add(f"{what}: network layers", card.network_layers or 0)
                report.add(f"{what}: size", card.engine_bytes / 1e6, "MB")
                report.add(f"{what}: build", card.build_s, "s")
                report.add(f"{what}: build, processor time", processor_s, "s")
    try:
        for precision in ("fp16", "fp32"):
            backend = TensorRtBackend(load_card(), precision=precision)
            figures = latencies_ms(backend, repeats=options.repeats)
            report.add(f"{backend.describe()}: p50 at 1024²", figures["p50_ms"], "ms", at_most=BAR_MS)
            report.add(f"{backend.describe()}: p99 at 1024²", figures["p99_ms"], "ms")
            report.add(f"{backend.describe()}: as a CUDA graph", float(1 in backend.graphs), at_least=1)
            backend.close()
    except BackendUnavailableError as missing:
        print(f"Not run on a card: {missing}")
    report.finish(options.json)


if __name__ == "__main__":
    main()
