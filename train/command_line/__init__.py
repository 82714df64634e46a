"""The training command line, `python -m train`: one module for each group of commands."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from engine.errors import EngineError
from train.command_line import (
    compact,
    comparison,
    curves,
    data,
    finetuning,
    golden,
    networks,
    pruning,
    training,
    weights,
)
from train.errors import TrainingError
from train.interruption import Terminated
from train.team import processes

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS = (training, weights, pruning, compact, data, networks, comparison, golden, finetuning, curves)


STOPPED, TERMINATED = 130, 143
"""Exit codes of what was interrupted (Ctrl-C) and of what was terminated, as shells have them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; exit code 0, 2 for a mistake of the user's, `STOPPED` or `TERMINATED` where it was stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m train", description="Makes, measures and releases weights."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for group in GROUPS:
        group.add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        if processes() > 1 and not getattr(options, "in_a_team", False):
            raise TrainingError(f"{options.command} is for one process: run it without torchrun")
        options.run(options)
    except (TrainingError, EngineError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        print(f"stopped{_how_to_go_on(options)}", file=sys.stderr)
        return TERMINATED if isinstance(stopped, Terminated) else STOPPED
    return 0


def _how_to_go_on(options: argparse.Namespace) -> str:
    if hasattr(options, "resume"):
        return ": the same command with --resume goes on from there"
    return ": the same command goes on where it was" if options.command == "compare" else ""
