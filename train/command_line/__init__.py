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
from train.team import processes

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS = (training, weights, pruning, compact, data, networks, comparison, golden, finetuning, curves)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; exit code 0, or 2 for a mistake of the user's."""
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
    return 0
