"""`replay`: recorded images through the daemon's own code."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.options import default_database, json_option


@click.command(
    epilog="Example: crystal-monitor replay frames/ --timestamps times.csv --um-per-px 0.44 "
    "--database sqlite:///trails.sqlite"
)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--database",
    metavar="URL",
    help="Where the trails go, e.g. sqlite:///trails.sqlite.  [default: the station's]",
)
@click.option(
    "--um-per-px",
    type=click.FloatRange(min=0, min_open=True),
    help="Calibration, µm per pixel; without it, px only.",
)
@click.option(
    "--interval-s", type=click.FloatRange(min=0, min_open=True), help="Seconds from frame to frame."
)
@click.option("--timestamps", type=click.Path(path_type=Path), help="CSV file `file,seconds`.")
@click.option("--field", default=None, help="Name of the well, drop or stage position.  [default: main]")
@click.option("--name", default=None, help="Name of the run.  [default: the source's]")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file for everything else.")
@json_option
def replay(
    source: Path,
    database: str | None,
    um_per_px: float | None,
    interval_s: float | None,
    timestamps: Path | None,
    field: str | None,
    name: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Replay SOURCE, a folder of images or a video, into a new run; no frame is lost.

    Times come from --timestamps or --interval-s, else from tags and names of the files; none is ever invented.
    Prints the run's summary.
    """
    from monitor.analysis import replay as replay_source
    from monitor.cli.progress import ReplayProgress
    from monitor.cli.summary import print_summary
    from monitor.clock import SystemClock
    from monitor.frame import DEFAULT_FIELD
    from monitor.service.lifetime import stop_on_signals
    from monitor.settings.loading import load_settings
    from monitor.source import ReplaySource

    overrides: dict[str, dict[str, object]] = {"analysis": {"run_name": name or source.name or str(source)}}
    if database is not None or config is None:
        overrides["storage"] = {"database": database or default_database()}
    settings = load_settings(config, overrides)
    clock = SystemClock()
    frames = ReplaySource(
        source,
        clock,
        timestamps=timestamps,
        interval_s=interval_s,
        um_per_px=um_per_px or settings.camera.um_per_px,
        field=field or DEFAULT_FIELD,
    )
    stop = stop_on_signals()
    with ReplayProgress(frames) as progress:
        run_id = replay_source(settings, frames, clock, stop, [progress.show])
    print_summary(settings.storage.database, run_id, as_json=as_json)
