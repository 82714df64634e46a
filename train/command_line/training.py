"""Commands that train: first-weights, pretrain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from train import checkpoint
from train.command_line.arguments import add_data, add_run, allowance_of, data_of, watchers_of
from train.command_line.curves import tell_of_curves
from train.command_line.numbers import count
from train.distillation import CheckpointTeacher, distilled
from train.first_weights import first_weights
from train.loop import CHECKPOINT_NAME, train
from train.mixed_crops import MixedCrops
from train.models import MODELS
from train.pretraining import coco_crops, initial, pretraining
from train.team import Team, team

if TYPE_CHECKING:
    import argparse

    from train.command_line.commands import Commands
    from train.configuration import TrainingConfiguration
    from train.stream import CropSource


def add_commands(commands: Commands) -> None:
    """Add this group's commands."""
    first = commands.add_parser(
        "first-weights",
        help="train the weights that ship",
        epilog="example: python -m train first-weights --out runs/first --minutes 90",
    )
    add_run(first, steps=16000, crops=4)
    add_data(first)
    first.add_argument(
        "--teacher",
        type=Path,
        help="distil: checkpoint of a (wider) network whose probabilities are learned, too",
    )
    sizes = ", ".join(f"{name} {model.width} ({model.machine})" for name, model in MODELS.items())
    size = first.add_mutually_exclusive_group()
    size.add_argument(
        "--model", choices=tuple(MODELS), default="small", help=f"size: {sizes} (default: small)"
    )
    size.add_argument(
        "--width", type=count, help="channels of the network's first stage, where it is another size"
    )
    first.add_argument(
        "--initial", type=Path, help="checkpoint of `pretrain` to start from (default: random weights)"
    )
    first.set_defaults(run=_first_weights)

    before = commands.add_parser(
        "pretrain",
        help="train on COCO's objects, to start from",
        epilog="example: python -m train pretrain coco/ --annotations annotations/instances_train2017.json "
        "--out runs/pretrained",
    )
    before.add_argument("root", type=Path, help="folder of a set in COCO's format")
    before.add_argument(
        "--annotations", help="its JSON, relative to the folder, where it is not the usual one"
    )
    add_run(before, steps=20000, crops=8)
    before.add_argument("--network", default="ours", help="name of the network (default: ours)")
    before.add_argument("--width", type=count, default=16, help="channels of its first stage (default: 16)")
    before.set_defaults(run=_pretrain)


def _first_weights(options: argparse.Namespace) -> None:
    data = data_of(options)
    with team() as mine:
        if data is None and mine.leads:
            print("training on the simulation alone: no folder of real images (--data)", flush=True)
        path = options.out / CHECKPOINT_NAME
        start = checkpoint.load(path) if options.resume and path.exists() else None
        if start is not None and mine.leads:
            print(f"going on from step {start.step} of {path}", flush=True)
        make = first_weights if options.teacher is None else distilled
        configuration = make(options.steps, options.seed, options.width or MODELS[options.model].width)
        teacher = None if options.teacher is None else CheckpointTeacher(checkpoint.load(options.teacher))
        if start is None and options.initial is not None:
            start = initial(options.initial, configuration)
        _train(options, configuration, MixedCrops(configuration.mix, data), start, mine, teacher)


def _pretrain(options: argparse.Namespace) -> None:
    configuration = pretraining(options.steps, options.network, options.width, options.seed)
    source = coco_crops(options.root, options.annotations)
    path = options.out / CHECKPOINT_NAME
    start = checkpoint.load(path) if options.resume and path.exists() else None
    with team() as mine:
        _train(options, configuration, source, start, mine)


def _train(
    options: argparse.Namespace,
    configuration: TrainingConfiguration,
    source: CropSource,
    start: checkpoint.Checkpoint | None,
    mine: Team,
    teacher: CheckpointTeacher | None = None,
) -> None:
    watchers = watchers_of(options, options.out)
    allowance = allowance_of(options)
    reached = train(
        configuration, source, options.out, allowance, start, teacher=teacher, watchers=watchers, team=mine
    )
    if mine.leads:
        print(f"{reached.step} steps done: {options.out / CHECKPOINT_NAME}")
        tell_of_curves(options.out)
