"""`run`, `grab` and `analyze`: the live processes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from monitor.journal import set_level

CONFIG = click.argument("config", type=click.Path(path_type=Path))


@click.command(epilog="Example: crystal-monitor run deploy/config/simulated.toml")
@CONFIG
def run(config: Path) -> None:
    """Grab and analyse as two processes under one supervisor, until Ctrl-C.

    A process that dies is started again; what was committed stays, and the run goes on. On a terminal a line every
    10 s says how it goes; the end shows the run's summary.
    """
    from monitor.cli.run_display import RunDisplay
    from monitor.clock import SystemClock
    from monitor.service import Supervisor, stop_on_signals
    from monitor.service.second_station import refuse_second
    from monitor.service.supervisor import EXIT_USER_ERROR
    from monitor.settings.loading import load_settings
    from monitor.settings.redaction import without_passwords

    settings = load_settings(config)
    set_level(settings.log.level)
    refuse_second(settings)
    stop = stop_on_signals()
    database = without_passwords(settings.storage.database)
    click.echo(f"station {settings.name}: trails go to {database}; Ctrl-C stops", err=True)
    with RunDisplay(settings) as display:
        code = Supervisor(config, SystemClock(), stop).run()
    if code != EXIT_USER_ERROR:  # nothing was begun
        display.print_summary()
    sys.exit(code)


@click.command(epilog="Example: crystal-monitor grab station.toml")
@CONFIG
def grab(config: Path) -> None:
    """Grab frames from the camera and serve them to the analysis, until SIGTERM or the camera's end."""
    from monitor.clock import SystemClock
    from monitor.service.lifetime import (
        EXIT_STOPPED,
        end_with_supervisor,
        is_supervised,
        keep_files_to_the_group,
        stop_on_signals,
    )
    from monitor.service.serving_frames import serve_frames
    from monitor.settings.loading import load_settings

    settings = load_settings(config)
    set_level(settings.log.level)
    keep_files_to_the_group()
    stop = stop_on_signals()
    end_with_supervisor()
    serve_frames(settings, SystemClock(), stop)
    if stop.is_set() and is_supervised():
        sys.exit(EXIT_STOPPED)  # not the camera's end: whoever stopped it, the station goes on


@click.command(epilog="Example: crystal-monitor analyze station.toml")
@CONFIG
def analyze(config: Path) -> None:
    """Analyse the grabber's frames and write trails, until SIGTERM or the camera's end."""
    from monitor.clock import SystemClock
    from monitor.service.lifetime import (
        end_with_supervisor,
        keep_files_to_the_group,
        station_started,
        stop_on_signals,
    )
    from monitor.service.serving_analysis import serve_analysis
    from monitor.settings.loading import load_settings

    settings = load_settings(config)
    set_level(settings.log.level)
    keep_files_to_the_group()
    stop = stop_on_signals()
    end_with_supervisor()
    serve_analysis(settings, SystemClock(), stop, station_started())
