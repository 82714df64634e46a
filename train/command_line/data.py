"""`python -m train data manifest | check | split`: sets of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pydantic import ValidationError

from train.command_line.numbers import count, count_from_zero
from train.data.formats import FORMATS
from train.data.manifest import (
    NO_LICENCE,
    LabelSource,
    Layout,
    Origin,
    check,
    make_manifest,
    read_manifest,
    write_manifest,
)
from train.data.splits import make_splits, write_splits
from train.errors import TrainingError

if TYPE_CHECKING:
    import argparse

    from train.command_line.commands import Commands


def add_commands(commands: Commands) -> None:
    """Add this group's commands."""
    data = commands.add_parser(
        "data",
        help="describe, check and split a set of images",
        description="A set is described once (`manifest`: hashes, who labelled, licence, groups), compared with that "
        "whenever it is used (`check`), and dealt into folds by its groups (`split`). Each has its own --help.",
        epilog="example: python -m train data split mine.json --folds 5 --out mine-folds.json",
    )
    kinds = data.add_subparsers(dest="kind", required=True)

    make = kinds.add_parser(
        "manifest",
        help="read a set once and write down what is in it",
        epilog="example: python -m train data manifest masks my-microscope --name mine --source 'station 3, 2026' "
        "--licence CC-BY-4.0 --label-source person --may-ship --out mine.json",
    )
    make.add_argument("format", choices=sorted(FORMATS), help="format of the labels")
    make.add_argument("root", type=Path, help="folder of the set")
    make.add_argument("--out", type=Path, required=True, help="file for the manifest (JSON)")
    make.add_argument("--name", required=True, help="name of the set")
    make.add_argument("--source", required=True, help="where it comes from, with its version")
    make.add_argument("--licence", required=True, help=f"SPDX name, or '{NO_LICENCE}'")
    make.add_argument(
        "--label-source", required=True, choices=get_args(LabelSource), help="who drew the labels"
    )
    make.add_argument(
        "--may-ship", action="store_true", help="weights that are released may be trained on it"
    )
    make.add_argument(
        "--group-by",
        default="frame",
        help="frame, folder, or a pattern whose first bracket is the group (frame)",
    )
    make.add_argument("--images", help="folder of the images, where it is not the usual one")
    make.add_argument("--annotations", help="folder or file of the labels, where it is not the usual one")
    make.set_defaults(run=_manifest)

    inspect = kinds.add_parser(
        "check",
        help="compare a set with its manifest: hashes, sizes, labels, pictures that occur twice",
        epilog="example: python -m train data check mine.json --root my-microscope",
    )
    inspect.add_argument("manifest", type=Path, help="the manifest")
    inspect.add_argument("--root", type=Path, required=True, help="folder of the set")
    inspect.set_defaults(run=_check)

    split = kinds.add_parser(
        "split",
        help="deal a set's groups into folds",
        epilog="example: python -m train data split mine.json --folds 5 --out mine-folds.json",
    )
    split.add_argument("manifest", type=Path, help="the manifest")
    split.add_argument("--folds", type=count, default=5, help="number of folds (default: 5)")
    split.add_argument("--seed", type=count_from_zero, default=0, help="seed of the deal (default: 0)")
    split.add_argument(
        "--validation-groups", type=count_from_zero, default=1, help="groups a fold validates on (default: 1)"
    )
    split.add_argument("--out", type=Path, required=True, help="file for the split (JSON)")
    split.set_defaults(run=_split)


def _manifest(options: argparse.Namespace) -> None:
    layout = Layout(format=options.format, images=options.images, annotations=options.annotations)
    try:
        origin = Origin(
            source=options.source,
            licence=options.licence,
            label_source=options.label_source,
            may_ship=options.may_ship,
        )
    except ValidationError as error:
        raise TrainingError(f"set {options.name}: {error.errors()[0]['msg']}") from error
    manifest = make_manifest(options.name, options.root, layout, origin, options.group_by)
    write_manifest(manifest, options.out)
    groups = {entry.group for entry in manifest.entries}
    bodies = sum(entry.bodies or 0 for entry in manifest.entries)
    print(f"{options.out}: {len(manifest.entries)} images in {len(groups)} groups, {bodies} labelled bodies")


def _check(options: argparse.Namespace) -> None:
    manifest = read_manifest(options.manifest)
    problems = check(manifest, options.root)
    for problem in problems:
        print(problem)
    if problems:
        raise TrainingError(
            f"{len(problems)} problems in set {manifest.name}: mend them, or make the manifest anew"
        )
    print(f"set {manifest.name}: {len(manifest.entries)} images are as the manifest says")


def _split(options: argparse.Namespace) -> None:
    manifest = read_manifest(options.manifest)
    splits = make_splits(manifest, options.folds, options.seed, options.validation_groups)
    write_splits(splits, options.out)
    for number, fold in enumerate(splits.folds):
        print(
            f"fold {number}: learns {len(fold.train)}, validates {len(fold.validation)}, tests {len(fold.test)}"
        )
