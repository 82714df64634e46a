"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
DATABASE_VARIABLE = "CRYSTAL_MONITOR__STORAGE__DATABASE"


def default_database() -> str:
    """The station's database: as the environment says, else the user's data folder."""
    named = os.environ.get(DATABASE_VARIABLE)
    if named:
        return named
    folder = Path(os.environ.get("XDG_DATA_HOME", "") or Path.home() / ".local" / "share") / "crystal-monitor"
    return f"sqlite:///{folder / 'station.sqlite'}"


def database_option(command: Command) -> Command:
    """`--database URL`: where to read (default: the station's)."""
    return click.option(
        "--database",
        default=default_database,
        metavar="URL",
        help="SQLAlchemy URL, e.g. sqlite:///trails.sqlite. Default: the station's database "
        f"(${DATABASE_VARIABLE}, else in the user's data folder).",
    )(command)


def json_option(command: Command) -> Command:
    """`--json`: for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)
