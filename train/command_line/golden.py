"""`python -m train golden`: the losses of twenty steps against those that are committed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from train.errors import TrainingError

if TYPE_CHECKING:
    import argparse

    from train.command_line.commands import Commands

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "golden" / "training_curve"


def add_commands(commands: Commands) -> None:
    """Add this group's commands."""
    curve = commands.add_parser(
        "golden",
        help="train twenty steps on eight committed images and compare the losses with those committed",
        epilog="example: python -m train golden --write   (after a change of the training that is meant)",
    )
    curve.add_argument(
        "--write", action="store_true", help="write the losses down anew (and images, if missing)"
    )
    curve.add_argument(
        "--folder", type=Path, default=FOLDER, help="where they lie (tests/golden/training_curve)"
    )
    curve.set_defaults(run=_golden)


def _golden(options: argparse.Namespace) -> None:
    from train import golden  # noqa: PLC0415 - torch takes seconds to import

    if options.write and not (options.folder / golden.IMAGES_NAME).exists():
        golden.make_images(options.folder)
    found = golden.losses(options.folder)
    if options.write:
        golden.write(options.folder, found)
    apart = max(abs(a - b) for a, b in zip(found, golden.written(options.folder), strict=True))
    print(f"{len(found)} steps, loss {found[0]:.6f} to {found[-1]:.6f}; {apart:.1e} from the committed curve")
    if apart > golden.TOLERANCE:
        raise TrainingError(
            f"the curve has moved by {apart:.1e} (limit {golden.TOLERANCE:g}): is the change meant?"
        )
