"""`python -m train prune`: cut channels out of our network, and let what is left recover."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from train.command_line.arguments import add_data, add_run, add_weights, allowance_of, data_of, watchers_of
from train.command_line.curves import tell_of_curves
from train.command_line.numbers import share

if TYPE_CHECKING:
    import argparse

    from train.checkpoint import Checkpoint
    from train.command_line.commands import Commands


def add_commands(commands: Commands) -> None:
    """Add this group's commands."""
    prune = commands.add_parser(
        "prune",
        help="cut the least important channels out of a network and train what is left",
        description="Whole channels are cut, so that what is left is a smaller network of the same kind; it then "
        "learns from the crops of `first-weights` and from the unpruned network.",
        epilog="example: python -m train prune --weights default --keep 0.6 --out runs/pruned --steps 3000",
    )
    add_run(prune, steps=3000, crops=4)
    add_weights(prune, "what to prune: a shipped name or a card's path")
    prune.add_argument("--checkpoint", type=Path, help="what to prune instead: a checkpoint of a training")
    prune.add_argument(
        "--keep", type=share, default=0.6, help="share of all channels that are kept, 0 to 1 (default: 0.6)"
    )
    add_data(prune)
    prune.set_defaults(run=_prune)


def _prune(options: argparse.Namespace) -> None:
    from train import checkpoint, pruning  # noqa: PLC0415 - torch takes seconds to import
    from train.distillation import CheckpointTeacher  # noqa: PLC0415
    from train.loop import CHECKPOINT_NAME, train  # noqa: PLC0415
    from train.mixed_crops import MixedCrops  # noqa: PLC0415
    from train.team import team  # noqa: PLC0415

    whole = _whole(options)
    network = pruning.network_of(whole)
    channels = pruning.channels_kept(network, options.keep)
    configuration = pruning.recovery(whole, channels, options.steps, options.seed)
    path = options.out / CHECKPOINT_NAME
    if options.resume and path.exists():
        start = checkpoint.load(path)
    else:
        weights = pruning.prune(network, channels).state_dict()
        start = checkpoint.Checkpoint(configuration, 0, weights, weights, None)
    with team() as mine:
        if mine.leads:
            print(
                f"{whole.configuration.network_in_words}: stages of {network.configuration.channels} channels"
            )
            print(f"keeping {channels}, training from step {start.step}", flush=True)
        reached = train(
            configuration,
            MixedCrops(configuration.mix, data_of(options)),
            options.out,
            allowance_of(options),
            start,
            teacher=CheckpointTeacher(whole),
            watchers=watchers_of(options, options.out),
            team=mine,
        )
        if mine.leads:
            print(f"{reached.step} steps done: {path}")
            tell_of_curves(options.out)


def _whole(options: argparse.Namespace) -> Checkpoint:
    from engine.card import load_card  # noqa: PLC0415
    from train import checkpoint  # noqa: PLC0415
    from train.finetuning.run import finetuning, start_of  # noqa: PLC0415

    if options.checkpoint is not None:
        return checkpoint.load(options.checkpoint)
    card = load_card(options.weights)
    return start_of(card, finetuning(card))
