"""`python -m train networks`: what there is, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from train.command_line.commands import Commands


def add_commands(commands: Commands) -> None:
    """Add this group's commands."""
    listing = commands.add_parser(
        "networks",
        help="the networks that can be trained, their widths at equal cost",
        epilog="example: python -m train networks",
    )
    listing.add_argument("--write", action="store_true", help="search the widths anew and write them down")
    listing.set_defaults(run=_networks)


def _networks(options: argparse.Namespace) -> None:
    from train.networks import NETWORKS, matched  # noqa: PLC0415 - torch takes seconds to import

    if options.write:
        matched.WRITTEN_DOWN.write_text(matched.search().model_dump_json(indent=1) + "\n", encoding="utf-8")
    costs = matched.read()
    print(f"{'name':<20} {'':<34} {'width':>5} {'GFLOP':>7} {'parameters':>11}   (a frame of 256×256)")
    for cost in costs.networks:
        kind = NETWORKS[cost.network]
        print(f"{kind.name:<20} {kind.title:<34} {cost.width:>5} {cost.gflops:>7.3f} {cost.parameters:>11,}")
