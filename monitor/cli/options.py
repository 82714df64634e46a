"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
DATABASE_VARIABLE = "CRYSTAL_MONITOR__STORAGE__DATABASE"


def default_database() -> str:
    """The station's database: as the environment says, else in the user's data folder."""
    from monitor.settings.storage import user_database

    return os.environ.get(DATABASE_VARIABLE) or user_database()


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
