"""`python -m train curves`: the curves of trainings as a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from train.errors import TrainingError

if TYPE_CHECKING:
    import argparse

    from train.command_line.commands import Commands


def add_commands(commands: Commands) -> None:
    """Add this group's commands."""
    curves = commands.add_parser(
        "curves",
        help="draw the curves of trainings, also of one under way",
        epilog="example: python -m train curves runs/first runs/distilled --out curves.png",
    )
    curves.add_argument("runs", type=Path, nargs="+", help="folders that trainings write to")
    curves.add_argument(
        "--out", type=Path, help="picture (PNG, SVG, PDF; default: curves.png in the first folder)"
    )
    curves.set_defaults(run=_curves)


def _curves(options: argparse.Namespace) -> None:
    from train.curves import draw_curves  # noqa: PLC0415 - torch takes seconds to import

    print(draw_curves(options.runs, options.out))


def tell_of_curves(folder: Path) -> None:
    """Draw the curves of a training that has ended, and say where; that there are none is told, and no failure."""
    from train.curves import draw_curves  # noqa: PLC0415 - torch takes seconds to import

    try:
        print(f"curves: {draw_curves([folder])}")
    except TrainingError as error:
        print(f"no curves: {error}", file=sys.stderr)
