"""Arguments that several commands have: each is described once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from train.command_line.numbers import count, count_from_zero, positive
from train.ice_frames import data_folder

if TYPE_CHECKING:
    import argparse

    from train.loop import Allowance
    from train.watching import Watcher


def add_weights(parser: argparse.ArgumentParser, what: str = "a shipped name or a card's path") -> None:
    """`--weights`, a model card."""
    parser.add_argument("--weights", default="default", help=f"{what} (default: default)")


def add_data(parser: argparse.ArgumentParser) -> None:
    """`--data`, the folder of the real images."""
    parser.add_argument(
        "--data",
        type=Path,
        help="folder of the real images (default: CRYSTAL_MONITOR_SHARED_DATA, else ../shared/data)",
    )


def add_threads(parser: argparse.ArgumentParser, default: int = 2) -> None:
    """`--threads`, of whatever does the arithmetic."""
    parser.add_argument(
        "--threads", type=count, default=default, help=f"threads of the arithmetic (default: {default})"
    )


def add_resources(
    parser: argparse.ArgumentParser, *, minutes: float | None = None, threads: int = 2, workers: int = 1
) -> None:
    """What a training may use; `allowance_of` reads it."""
    parser.add_argument(
        "--minutes",
        type=positive,
        default=minutes,
        help="learn no longer than this, min; the decay of the learning rate fits into it "
        f"(default: {'no limit' if minutes is None else f'{minutes:g}'})",
    )
    add_threads(parser, threads)
    parser.add_argument(
        "--workers",
        type=count_from_zero,
        default=workers,
        help=f"processes that make crops; 0: none but this one (default: {workers})",
    )
    parser.add_argument(
        "--tensorboard",
        action="store_true",
        help="also write the log where TensorBoard finds it, in the run's folder",
    )


def add_run(parser: argparse.ArgumentParser, *, steps: int, crops: int) -> None:
    """What every training from the start has: where it writes, how long it is, its seed, and whether it goes on."""
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for checkpoint, logs and configuration"
    )
    parser.add_argument(
        "--steps", type=count, default=steps, help=f"steps of {crops} crops (default: {steps})"
    )
    parser.add_argument(
        "--seed", type=count_from_zero, default=0, help="seed of weights and crops (default: 0)"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, if any")
    add_resources(parser)
    parser.set_defaults(in_a_team=True)


def allowance_of(options: argparse.Namespace) -> Allowance:
    """What the arguments of `add_resources` allow."""
    from train.loop import Allowance  # noqa: PLC0415 - torch takes seconds to import

    return Allowance(options.minutes, options.threads, options.workers)


def watchers_of(options: argparse.Namespace, out: Path) -> tuple[Watcher, ...]:
    """Who is told of a training in the folder `out`: a person, and TensorBoard where `add_resources` was told so."""
    from train.watching import Progress, TensorBoard  # noqa: PLC0415 - torch takes seconds to import

    progress = Progress(options.minutes)
    return (progress, TensorBoard(out)) if options.tensorboard else (progress,)


def data_of(options: argparse.Namespace) -> Path | None:
    """The folder of the real images, or None: there is none."""
    return data_folder(options.data)
