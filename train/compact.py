"""What smaller and faster weights are worth: a row of accuracy, area bias, time and size for each.

Distilled, pruned and quantised weights are measured alike: by the back end that would run them, on simulated runs and,
where they are given, on the real images.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from engine.backends.openvino import OpenVinoBackend
from engine.network.crystal_network import CrystalNetwork
from monitor.simulation import PRESETS
from train.configuration import Configuration
from train.errors import TrainingError
from train.evaluation.ice import evaluate_ice
from train.evaluation.simulated import run_frames
from train.evaluation.suspension import evaluate_suspension
from train.ice_frames import HELD_OUT_FRAMES
from train.metrics import ScoreSheet
from train.metrics.area_bias import by_size
from train.networks.cost import count_flops
from train.networks.trainee import DenseTrainee
from train.quantising import read_int8
from train.segmenting import backend_segment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.backends.openvino import Precision
    from engine.card import ModelCard
    from train.segmenting import Segment

TIMED_SIDE_PX = 512
"""Side of the frame that is timed."""
TIMED_ROUNDS = 9
"""Frames that are timed, after two that are not."""


class CompactRow(Configuration):
    """One set of weights in one precision."""

    name: str
    """Of the row, unique in its folder."""
    how: str
    """How it was made small, in plain words."""
    weights_hash: str
    """The card's."""
    backend: str
    """Back end and precision that ran, as they say of themselves."""
    channels: tuple[int, ...]
    """Of each stage, finest first."""
    parameters: int
    """Numbers that were learned."""
    gflops: float
    """10⁹ operations for a frame of 256×256."""
    megabytes: float
    """Size of the graph's file (and of its weights, where they are apart), 10⁶ bytes."""
    milliseconds: float
    """Median time of the network for a frame of 512×512, ms."""
    threads: int
    """Threads that it had."""
    simulated_iou: float | None
    """Pooled over simulated runs of every preset."""
    simulated_pq: float | None
    """Panoptic quality of the same."""
    area_bias: float | None
    """Median relative error of the area of lone simulated crystals from 20 px in diameter."""
    recall: float | None
    """Share of the lone simulated crystals from 10 px that are found."""
    ice_iou: float | None
    """On the ice that is held out; None: the real images were not given."""
    ice_pq: float | None
    """Panoptic quality of the same."""
    suspension_iou: float | None
    """On the suspension; None: the real images were not given."""


def measure_row(
    name: str,
    how: str,
    card: ModelCard,
    data: Path | None,
    *,
    threads: int = 2,
    precision: Precision = "auto",
    quantised: Path | None = None,
    presets: Sequence[str] = tuple(PRESETS),
) -> CompactRow:
    """Measure a card's weights, or an int8 graph made from them; raises the engine's errors."""
    made = None if quantised is None else read_int8(quantised)
    network = CrystalNetwork(card.network)
    graph = card.onnx_path if quantised is None else quantised
    files = [graph] if quantised is None else [graph, graph.with_suffix(".bin")]
    with closing(OpenVinoBackend(card, threads=threads, precision=precision, made=made)) as backend:
        return CompactRow(
            name=name,
            how=how,
            weights_hash=card.weights_hash,
            backend=backend.describe(),
            channels=card.network.channels,
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            gflops=round(count_flops(DenseTrainee(network, card.network.stride)) / 1e9, 4),
            megabytes=round(sum(file.stat().st_size for file in files) / 1e6, 3),
            milliseconds=round(1e3 * _seconds(backend), 2),
            threads=threads,
            **_accuracy(backend_segment(backend, card), data, presets),
        )


def write_row(row: CompactRow, folder: Path) -> Path:
    """Write a row whole or not at all, in place of one of the same name; give its file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{row.name}.json"
    beside = path.with_suffix(".part")
    beside.write_text(row.model_dump_json(indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
    return path


def read_rows(folder: Path) -> list[CompactRow]:
    """Every row in a folder, the most costly first; raises `TrainingError` for a file that is none."""
    rows = []
    for path in sorted(folder.glob("*.json")):
        try:
            rows.append(CompactRow.model_validate_json(path.read_bytes()))
        except (OSError, ValidationError) as error:
            raise TrainingError(f"{path} is no row of this version: delete it and measure again") from error
    return sorted(rows, key=lambda row: (-row.gflops, row.name))


def compact_table(rows: Sequence[CompactRow]) -> Iterator[str]:
    """Lines of a table in Markdown."""
    yield (
        "| weights | how | back end | GFLOP | parameters | MB | ms (512², threads) | sim. IoU | sim. PQ | "
        "area bias ≥ 20 px | found ≥ 10 px | ice IoU | ice PQ | suspension IoU |"
    )
    yield "|" + "---|" * 14
    for row in rows:
        scores = (row.simulated_iou, row.simulated_pq, row.area_bias, row.recall, row.ice_iou, row.ice_pq)
        cells = [
            row.name,
            row.how,
            row.backend,
            f"{row.gflops:.2f}",
            f"{row.parameters / 1e6:.2f} M",
            f"{row.megabytes:.1f}",
            f"{row.milliseconds:.0f} ({row.threads})",
            *("" if score is None else f"{score:.4f}" for score in (*scores, row.suspension_iou)),
        ]
        yield "| " + " | ".join(cells) + " |"


def _accuracy(segment: Segment, data: Path | None, presets: Sequence[str]) -> dict[str, Any]:
    sheet = ScoreSheet(instances=True)
    for preset in presets:
        for number, sight in enumerate(run_frames(preset)):
            sheet.add(f"{preset}-{number}", segment(sight.image_HW), sight.labels_HW, sight.areas_px)
    scores = sheet.scores()
    lone = by_size([crystal for crystal in sheet.crystals if not crystal.touching], ((10, None), (20, None)))
    classes = {row.low_px: row for row in lone}
    figures: dict[str, Any] = {
        "simulated_iou": scores.pixels.iou,
        "simulated_pq": scores.instances.panoptic_quality if scores.instances else None,
        "area_bias": classes[20].bias_median if 20 in classes else None,
        "recall": classes[10].recall if 10 in classes else None,
        "ice_iou": None,
        "ice_pq": None,
        "suspension_iou": None,
    }
    if data is not None:
        _, held_out = evaluate_ice(segment, data, HELD_OUT_FRAMES)
        figures["ice_iou"] = held_out["scores"]["pixels"]["iou"]
        figures["ice_pq"] = held_out["scores"]["instances"]["panoptic_quality"]
        figures["suspension_iou"] = evaluate_suspension(segment, data)["scores"]["pixels"]["iou"]
    return figures


def _seconds(backend: OpenVinoBackend) -> float:
    frame = np.random.default_rng(0).standard_normal((1, 1, TIMED_SIDE_PX, TIMED_SIDE_PX)).astype(np.float32)
    times = []
    for _ in range(TIMED_ROUNDS + 2):
        begun_s = time.perf_counter()
        backend.infer(frame)
        times.append(time.perf_counter() - begun_s)
    return float(np.median(times[2:]))
