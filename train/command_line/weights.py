"""Commands that measure and release weights: tune, evaluate, release, describe, parity."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from engine.card import load_card
from train.command_line.arguments import add_data, add_threads, add_weights, data_of
from train.errors import TrainingError
from train.evaluation.limits import lines
from train.evaluation.report import evaluate, with_earlier
from train.parity_frames import make_parity
from train.release import describe, release_checkpoint
from train.shift import SHIFTS, try_shift
from train.temperature import fit_temperature
from train.thresholds import RELEASE_THRESHOLDS
from train.tuning import candidates, probability_maps, try_thresholds

if TYPE_CHECKING:
    from train.command_line.commands import Commands


def add_commands(commands: Commands) -> None:
    """Add this group's commands."""
    tuning = commands.add_parser(
        "tune",
        help="try thresholds on simulation and on the training part of the ice",
        epilog="example: python -m train tune --weights default",
    )
    add_weights(tuning)
    add_data(tuning)
    add_threads(tuning)
    tuning.set_defaults(run=_tune)

    measure = commands.add_parser(
        "evaluate",
        help="measure weights on real images and on the simulation",
        epilog="example: python -m train evaluate --weights default --overlays overlays --json figures.json",
    )
    add_weights(measure)
    add_data(measure)
    measure.add_argument("--overlays", type=Path, help="folder for overlays to look at")
    measure.add_argument(
        "--json",
        type=Path,
        help="file for the figures, in which other parts of the same weights stay (default: printed)",
    )
    measure.add_argument(
        "--parts", nargs="+", help="of simulation growth ice film suspension robustness drops (default: all)"
    )
    add_threads(measure)
    measure.set_defaults(run=_evaluate)

    publish = commands.add_parser(
        "release",
        help="write weights, ONNX and card from a checkpoint",
        epilog="example: python -m train release --checkpoint runs/first/checkpoint.pt --name default",
    )
    publish.add_argument("--checkpoint", type=Path, required=True, help="checkpoint of `first-weights`")
    publish.add_argument("--name", default="default", help="name of the model (default: default)")
    publish.add_argument("--out", type=Path, help="folder (default: that of the shipped weights)")
    publish.add_argument("--figures", type=Path, help="JSON of `evaluate`, to stand in the card")
    add_data(publish)
    publish.set_defaults(run=_release)

    description = commands.add_parser(
        "describe",
        help="write figures and known failures into a card; the weights stay",
        epilog="example: python -m train describe --figures train/results/default.json",
    )
    add_weights(description)
    description.add_argument("--figures", type=Path, required=True, help="JSON of `evaluate`")
    description.set_defaults(run=_describe)

    parity = commands.add_parser(
        "parity",
        help="make the frames on which back ends must agree with the fp32 reference (`release` does it, too)",
        epilog="example: python -m train parity --weights default",
    )
    add_weights(parity)
    add_threads(parity)
    parity.set_defaults(run=_parity)


def _tune(options: argparse.Namespace) -> None:
    maps = probability_maps(options.weights, data_of(options), options.threads)
    print("crystal contact score: source found-share free-bias bias count-ratio")
    for thresholds in candidates(RELEASE_THRESHOLDS):
        rows = [
            f"{trial.source} {trial.found_share:.3f} {trial.free_bias:+.3f} {trial.bias:+.3f} {trial.count_ratio:.2f}"
            for trial in try_thresholds(maps, thresholds)
        ]
        heading = f"{thresholds.crystal:.2f} {thresholds.contact:.2f} {thresholds.minimal_score:.2f}: "
        print(heading + " | ".join(rows), flush=True)
    warmth = fit_temperature([(one.crystal_HW, one.sight.labels_HW > 0) for one in maps])
    print(
        f"calibration of the crystal's probability: temperature {warmth.temperature:.3f}, shift {warmth.shift:+.3f}; "
        f"expected error {warmth.error_before:.4f}, with them {warmth.error_after:.4f}"
    )
    print("shift of the crystal's logit: median error of reported area by source (from 20 px); by diameter")
    for shift in SHIFTS:
        trial = try_shift(maps, RELEASE_THRESHOLDS, shift)
        parts = [
            " ".join(f"{name} {error:+.3f}" for name, error in errors.items())
            for errors in (trial.by_source, trial.by_class)
        ]
        print(f"{shift:+.1f}: " + " | ".join(parts), flush=True)


def _evaluate(options: argparse.Namespace) -> None:
    figures = evaluate(options.weights, data_of(options), options.overlays, options.parts, options.threads)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        figures = with_earlier(figures, options.json)
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    else:
        print(json.dumps(figures, indent=1))
    print("\n".join(lines(figures)))


def _release(options: argparse.Namespace) -> None:
    figures = json.loads(options.figures.read_text(encoding="utf-8")) if options.figures else {}
    card = release_checkpoint(
        options.checkpoint, options.name, options.out, figures, data_of(options) is not None
    )
    print(f"released {card.name}: {card.safetensors_path}, weights {card.weights_hash}")


def _describe(options: argparse.Namespace) -> None:
    try:
        figures = json.loads(options.figures.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{options.figures} cannot be read ({error}): give the file of `evaluate --json`"
        ) from error
    card = describe(load_card(options.weights), figures)
    print(f"described {card.name}, weights {card.weights_hash}")


def _parity(options: argparse.Namespace) -> None:
    card = make_parity(load_card(options.weights, parity=False), options.threads)
    print(f"made {card.parity_path} for the weights {card.weights_hash}")
