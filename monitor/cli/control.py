"""`new-run`, `zero`, `note`, `ack`, `mute`: through the control socket, or into the store while the daemon is down."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from monitor.cli.command_values import EventNumber, MuteSeconds

if TYPE_CHECKING:
    from monitor.analysis import Command

Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])


def _station(command: Wrapped) -> Wrapped:
    for option in (
        click.option("--reason", default="", metavar="TEXT", help="Why, for the audit trail."),
        click.option("--config", type=click.Path(path_type=Path), help="The station's settings file."),
        click.option("--database", metavar="URL", help="The station's database, if the settings do not say."),
    ):
        command = option(command)
    return command


@click.command("new-run", epilog='Example: crystal-monitor new-run "lysozyme, plate 7"')
@click.argument("name")
@_station
def new_run(name: str, config: Path | None, database: str | None, reason: str) -> None:
    """Close the open run and open the next, called NAME."""
    from monitor.analysis import NewRun

    _tell(partial(NewRun, name=name), config, database, reason)


@click.command(epilog="Example: crystal-monitor zero")
@_station
def zero(config: Path | None, database: str | None, reason: str) -> None:
    """Make this moment the run's time zero: all its elapsed times count from it."""
    from monitor.analysis import SetZero

    _tell(SetZero, config, database, reason)


@click.command(epilog='Example: crystal-monitor note "added 10 µl of precipitant"')
@click.argument("text")
@_station
def note(text: str, config: Path | None, database: str | None, reason: str) -> None:
    """Write TEXT into the run's events."""
    from monitor.analysis import WriteNote

    _tell(partial(WriteNote, text=text), config, database, reason)


@click.command(epilog="Example: crystal-monitor ack 12")
@click.argument("event", type=EventNumber())
@_station
def ack(event: int, config: Path | None, database: str | None, reason: str) -> None:
    """Acknowledge the alert EVENT, an event_id of `crystal-monitor events`, in any run of the station."""
    from monitor.analysis import Acknowledge

    _tell(partial(Acknowledge, event_id=event), config, database, reason)


@click.command(epilog="Example: crystal-monitor mute 600")
@click.argument("seconds", type=MuteSeconds())
@_station
def mute(seconds: float, config: Path | None, database: str | None, reason: str) -> None:
    """Let no alert fire for SECONDS; 0 ends the silence. Events are stored all the same."""
    from monitor.analysis import Mute

    _tell(partial(Mute, seconds=seconds), config, database, reason)


def _tell(make: Callable[..., Command], config: Path | None, database: str | None, reason: str) -> None:
    from pydantic import ValidationError

    from monitor.analysis import ask_daemon, meant_endpoint, place_of, tell_store
    from monitor.cli.attribution import acting_for, by_its_own_word
    from monitor.cli.command_values import wrong_text
    from monitor.cli.meant_station import meant_station
    from monitor.clock import SystemClock
    from monitor.errors import UserError, WrongStationError

    meant = meant_station(config, database)
    settings = meant.settings
    address = {
        "station": settings.name if meant.named else "",
        "database": place_of(settings.storage.database) if meant.database_named else "",
    }
    try:
        command = make(reason=reason, claimed_by=acting_for(), **address)
    except ValidationError as error:
        raise UserError(wrong_text(error.errors()[0])) from None
    asked = meant_endpoint(settings, named=meant.named)
    answer = ask_daemon(asked.endpoint, command, settings.control.timeout_s)
    if answer is None:
        if asked.found:  # whichever database was its own, it need not be this one
            raise WrongStationError(
                f"the daemon at {asked.endpoint} ended before it could be asked, and nothing was done: name the "
                "settings of its station (--config FILE) to write into its database"
            )
        if meant.named and not meant.database_named:
            raise WrongStationError(
                f"the daemon of station {settings.name} is down, and which database is its own was not said: name its "
                "settings (--config FILE), or the database (--database URL)"
            )
        told = tell_store(settings, command, SystemClock(), by_its_own_word())
        answer = f"{told} (the daemon is down: written into the store)"
    click.echo(answer)
