"""`bench`: how long each stage of a frame takes on this machine."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import click

from monitor.cli.options import json_option
from monitor.cli.output import print_rows, to_json

_SIZE = re.compile(r"(\d{2,5})x(\d{2,5})")


def _size(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(value)
    if found is None or not all(64 <= int(side) <= 8192 for side in found.groups()):
        raise click.BadParameter(f"{value!r} is no WIDTHxHEIGHT in pixels from 64 to 8192, such as 1024x1024")
    return int(found[1]), int(found[2])


@click.command(epilog="Example: crystal-monitor bench deploy/config/folder.toml --size 2048x2048 --frames 20")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "--frames",
    type=click.IntRange(min=2, max=10_000),
    default=30,
    show_default=True,
    help="How many frames are timed; three more come first.",
)
@click.option(
    "--size",
    default="1024x1024",
    show_default=True,
    callback=_size,
    help="WIDTHxHEIGHT of simulated frames, px.",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True),
    help="Folder of images or video in place of simulated frames.",
)
@json_option
def bench(
    config: Path | None, frames: int, size: tuple[int, int], images: Path | None, as_json: bool
) -> None:
    """Time every stage of a frame with this station's own settings: engine, tracking, growth, commit to its disk.

    Runs beside the station's database in one of its own, which is removed again; sinks, archive and camera are left
    alone. Stop the station meanwhile, or both share the processor.
    """
    from monitor.cli.options import default_database
    from monitor.clock import SystemClock
    from monitor.errors import CrystalMonitorError
    from monitor.service.bench import WARM_UP_FRAMES, run_bench
    from monitor.service.lifetime import stop_on_signals
    from monitor.settings.loading import load_settings

    settings = load_settings(config, {"storage": {"database": default_database()}} if config is None else {})
    stop = stop_on_signals()

    def tell(done: int) -> None:
        if done % 10 == 0:
            click.echo(f"{done} of {frames + WARM_UP_FRAMES} frames", err=True)

    found = run_bench(settings, SystemClock(), stop, frames=frames, size_px=size, images=images, tell=tell)
    if found.frames < 1:
        raise CrystalMonitorError("no frame was timed")
    if as_json:
        click.echo(to_json(asdict(found)))
        return
    whole_s = found.stages["frame"].median_s
    rows = [
        {
            "stage": name,
            "median_ms": 1000 * times.median_s,
            "p95_ms": 1000 * times.p95_s,
            "longest_ms": 1000 * times.longest_s,
            "share_percent": 100 * times.median_s / whole_s,
        }
        for name, times in found.stages.items()
    ]
    print_rows(rows, as_json=False, empty="")
    click.echo(
        f"\n{found.frames} frames of {found.width_px}×{found.height_px} px, {found.crystals:g} crystals in view, "
        f"{found.backend}: at most {found.frames_per_s:.3g} frames/s"
    )
