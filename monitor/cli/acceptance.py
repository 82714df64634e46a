"""`acceptance`: the simulated microscope against its limits."""

from __future__ import annotations

import sys

import click

from monitor.cli.options import json_option
from monitor.cli.output import to_json


@click.command(epilog="Example: crystal-monitor acceptance --seeds 10 --json")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Number of growing experiments.",
)
@click.option("--first-seed", type=int, default=1, show_default=True, help="Seed of the first.")
@click.option(
    "--real-s", type=click.FloatRange(min=10), default=30.0, show_default=True, help="Real seconds for each."
)
@json_option
def acceptance(seeds: int, first_seed: int, real_s: float, as_json: bool) -> None:
    """Run the simulated microscope through the real two processes and judge growth, areas, completion, identities.

    Exit code 0 when every figure keeps to its limit, 1 when one does not.
    """
    from monitor.clock import SystemClock
    from monitor.service import stop_on_signals
    from monitor.service.acceptance import run_acceptance

    report = run_acceptance(
        range(first_seed, first_seed + seeds),
        real_s,
        SystemClock(),
        stop_on_signals(),
        lambda line: click.echo(line, err=True),
    )
    if as_json:
        click.echo(to_json(report.as_plain()))
    else:
        for name, figure in report.figures.items():
            verdict = "passed" if figure.passed else "FAILED"
            click.echo(f"{verdict}  {name:<46}{figure.value:.4g}  (limit {figure.limit:g})")
    sys.exit(0 if report.passed else 1)
