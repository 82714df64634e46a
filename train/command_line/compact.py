"""`python -m train quantise | row`: int8, and what small and fast weights are worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.card import load_card
from train.command_line.arguments import add_data, add_threads, add_weights, data_of

if TYPE_CHECKING:
    import argparse

    from train.command_line.commands import Commands
    from train.compact import CompactRow

RESULTS = Path(__file__).resolve().parent.parent / "results" / "compact"


def add_commands(commands: Commands) -> None:
    """Add this group's commands."""
    quantise = commands.add_parser(
        "quantise",
        help="make an int8 graph of released weights and measure it",
        description="Post-training quantisation by NNCF, calibrated on simulated frames and on the ice that may be "
        "learned from. Writes NAME.xml and NAME.bin for OpenVINO, and a row for `tables`. The daemon does not run "
        "int8: the row says what it would be worth.",
        epilog="example: python -m train quantise --weights default --out int8/",
    )
    add_weights(quantise)
    quantise.add_argument("--out", type=Path, required=True, help="folder for the graph")
    quantise.add_argument(
        "--kept",
        choices=("none", "ends", "finest"),
        default="ends",
        help="convolutions left in bf16: none, the first and the last, or all at full resolution (default: ends)",
    )
    _add_row(quantise)
    quantise.set_defaults(run=_quantise)

    row = commands.add_parser(
        "row",
        help="measure weights for the table of small and fast ones: accuracy, area bias, time, size",
        description="Runs weights by the back end that would run them, on simulated runs and on the real images where "
        "they are given, and writes a row for `tables`. Times are to be taken on a machine at rest.",
        epilog="example: python -m train row --weights models/pruned.json --how 'pruned to 0.6, 3000 steps'",
    )
    add_weights(row)
    row.add_argument("--how", required=True, help="how they were made small, in plain words")
    row.add_argument(
        "--precision", choices=("auto", "bf16", "f32"), default="auto", help="of the back end (default: auto)"
    )
    _add_row(row)
    row.set_defaults(run=_row)


def _add_row(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="of the row (default: that of the weights, with the precision)")
    parser.add_argument(
        "--rows", type=Path, default=RESULTS, help="folder of the rows (default: train/results/compact)"
    )
    parser.add_argument("--presets", nargs="+", help="simulated runs to measure on (default: every preset)")
    add_data(parser)
    add_threads(parser)


def _quantise(options: argparse.Namespace) -> None:
    from train.compact import measure_row  # noqa: PLC0415 - torch takes seconds to import
    from train.quantising import calibration_frames, quantise  # noqa: PLC0415

    card, data = load_card(options.weights), data_of(options)
    frames = calibration_frames(data)
    print(f"calibrating on {len(frames)} frames{'' if data else ', simulated alone (--data)'}", flush=True)
    model = quantise(card, frames, options.kept)
    import openvino  # noqa: PLC0415 - heavy, and needed here alone

    options.out.mkdir(parents=True, exist_ok=True)
    graph = options.out / f"{card.name}-int8.xml"
    openvino.save_model(model, graph)
    left = {"none": "but Mish and gates", "ends": "but its ends", "finest": "below full resolution"}
    row = measure_row(
        options.name or f"{card.name}-int8",
        f"int8 {left[options.kept]}, {len(frames)} calibration frames",
        card,
        data,
        threads=options.threads,
        quantised=graph,
        presets=_presets(options),
    )
    print(f"wrote {graph}")
    _tell(options, row)


def _row(options: argparse.Namespace) -> None:
    from train.compact import measure_row  # noqa: PLC0415 - torch takes seconds to import

    card = load_card(options.weights)
    suffix = "" if options.precision == "auto" else f"-{options.precision}"
    row = measure_row(
        options.name or f"{card.name}{suffix}",
        options.how,
        card,
        data_of(options),
        threads=options.threads,
        precision=options.precision,
        presets=_presets(options),
    )
    _tell(options, row)


def _presets(options: argparse.Namespace) -> tuple[str, ...]:
    from monitor.simulation import PRESETS  # noqa: PLC0415 - after the arguments are known
    from train.errors import TrainingError  # noqa: PLC0415

    presets = tuple(options.presets or PRESETS)
    if unknown := sorted(set(presets) - set(PRESETS)):
        raise TrainingError(
            f"no simulated run is named {', '.join(unknown)}: choose from {', '.join(PRESETS)}"
        )
    return presets


def _tell(options: argparse.Namespace, row: CompactRow) -> None:
    from train.compact import compact_table, write_row  # noqa: PLC0415 - torch takes seconds to import

    path = write_row(row, options.rows)
    print("\n".join(compact_table([row])))
    print(f"wrote {path}")
