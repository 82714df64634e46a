"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from monitor.store import TrailReader

Command = TypeVar("Command", bound=Callable[..., Any])
DATABASE_VARIABLE = "CRYSTAL_MONITOR__STORAGE__DATABASE"
STATION_VARIABLE = "CRYSTAL_MONITOR__NAME"


def default_database() -> str:
    """The station's database: as the environment says, else in the user's data folder. Raises SettingsError."""
    from monitor.settings.environment import read_environment
    from monitor.settings.storage import user_database

    # A misspelt variable would show the runs of another database, without a word.
    storage = read_environment().get("storage", {})
    return str(storage.get("database") or user_database())


def database_option(command: Command) -> Command:
    """`--database URL`: where to read (default: the station's)."""
    return click.option(
        "--database",
        default=default_database,
        metavar="URL",
        help="SQLAlchemy URL, e.g. sqlite:///trails.sqlite. Default: the station's database "
        f"(${DATABASE_VARIABLE}, else in the user's data folder).",
    )(command)


def station_option(command: Command) -> Command:
    """`--station NAME`: whose runs are meant, in a database that several stations share."""
    return click.option(
        "--station",
        metavar="NAME",
        envvar=STATION_VARIABLE,
        help=f"Only runs of this station, where several share the database. Default: ${STATION_VARIABLE}, else all.",
    )(command)


def find_run(reader: TrailReader, run: str, station: str | None) -> int:
    """The run that is meant; where stations share the database and none was named, standard error says whose it is."""
    run_id = reader.find_run(run, station)
    if station is None and not run.isdecimal() and len(stations := reader.stations()) > 1:
        (whose,) = reader.view("run_summary", run_id).column("station")
        click.echo(
            f"run {run_id} is of station {whose!r}; {len(stations)} share the database, --station NAME chooses",
            err=True,
        )
    return run_id


def json_option(command: Command) -> Command:
    """`--json`: for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def wide_option(command: Command) -> Command:
    """`--wide`: a table as wide as it is."""
    return click.option(
        "--wide", is_flag=True, help="Show all columns, however wide; else a table is fitted to the terminal."
    )(command)
