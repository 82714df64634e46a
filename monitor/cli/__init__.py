"""The command line: `crystal-monitor`."""

from __future__ import annotations

import logging
import os
import sys

import click

from monitor.cli.group import CommandGroup
from monitor.errors import CrystalMonitorError, EngineLostError, UserError
from monitor.journal import set_up_logging
from monitor.version import __version__

__all__ = ["cli", "main"]

EXIT_USER_ERROR = 2
EXIT_FAILURE = 1
EXIT_ENGINE_LOST = 3


@click.group(
    cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="crystal-monitor")
@click.option("-v", "--verbose", is_flag=True, help="Log what is done, to standard error.")
def cli(verbose: bool) -> None:
    """Follow every crystal's area and growth, live, into SQL.

    \b
    Try it:              crystal-monitor demo
    Your own images:     crystal-monitor replay FOLDER --database sqlite:///trails.sqlite --interval-s 60
    A live microscope:   crystal-monitor run station.toml
    """
    set_up_logging(logging.INFO if verbose else logging.WARNING)


def main() -> None:
    """Entry point of the process: errors of the user's become a message and exit code 2, never a stack trace."""
    try:
        cli(prog_name="crystal-monitor", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except UserError as error:
        click.echo(f"crystal-monitor: {error}", err=True)
        sys.exit(EXIT_USER_ERROR)
    except EngineLostError as error:
        click.echo(f"crystal-monitor: {error}", err=True)
        sys.exit(EXIT_ENGINE_LOST)
    except CrystalMonitorError as error:
        click.echo(f"crystal-monitor: {error}", err=True)
        sys.exit(EXIT_FAILURE)
    except BrokenPipeError:
        # `crystal-monitor query … | head`: the reader has gone, and that is no failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        click.echo(
            f"crystal-monitor:{where}: {error.strerror or error}; check the path and its permissions",
            err=True,
        )
        sys.exit(EXIT_USER_ERROR)
