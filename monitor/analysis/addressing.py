"""Which station a request on a control socket is meant for, and which stations run here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from pydantic import Field

from monitor.analysis.knocking import Door, knock
from monitor.errors import WrongStationError
from monitor.settings.base import SettingsModel
from monitor.settings.endpoints import IPC_PREFIX
from monitor.settings.station import StationSettings
from monitor.settings.stream import default_endpoint, runtime_folder
from monitor.store import locate

CONTROL_SOCKET = "control.ipc"


class Addressed(SettingsModel):
    """Whom a request is meant for; what is empty means whoever answers."""

    station: str = Field(default="", max_length=200)
    """Name of the station."""
    database: str = Field(default="", max_length=8000)
    """Its database, as `place_of` names it."""


def place_of(database: str) -> str:
    """One name for all ways to write a database's address: the file's path without links, or PostgreSQL's name of it.

    A server's is its name alone, because host and user may be written differently by whoever reads. Raises
    StoreUnusableError for an address that is none.
    """
    location = locate(database)
    if location.path is not None:
        return str(location.path.resolve())
    return f"postgresql database {location.url.database}"


def wrong_address(asked: Addressed, served: StationSettings) -> str:
    """Why the request is not meant for the daemon of the station `served`; empty where it is."""
    if asked.station and asked.station != served.name:
        return (
            f"the daemon here is {served.name}, you named {asked.station}: name the settings of the station that you "
            "mean (--config FILE; `status FILE`), and give each station a socket of its own"
        )
    place = place_of(served.storage.database)
    if asked.database and asked.database != place:
        return (
            f"the daemon here is {served.name} and writes to {place}, you named {asked.database}: name the settings of "
            "the station that you mean (--config FILE; `status FILE`)"
        )
    return ""


def running_here() -> dict[str, str]:
    """Control endpoints of the stations that run with the default sockets, by the folder's name.

    One that this user may not ask counts: what is meant for it must not go elsewhere.
    """
    folder = runtime_folder()
    named = {StationSettings.model_fields["name"].default: folder}
    with suppress(FileNotFoundError, PermissionError):
        named |= {below.name: below for below in sorted(folder.iterdir())}
    sockets = {name: place / CONTROL_SOCKET for name, place in named.items()}
    return {
        name: f"{IPC_PREFIX}{path}"
        for name, path in sockets.items()
        if knock(path).door not in (Door.DOWN, Door.UNUSABLE)
    }


@dataclass(frozen=True, slots=True)
class Meant:
    """Where to ask, and by whose word."""

    endpoint: str
    """The control socket, `ipc://PATH`."""
    found: bool
    """Whether it is that of the one station which runs here. The user named none: its database is not known."""


def meant_endpoint(settings: StationSettings, *, named: bool) -> Meant:
    """Where to ask: the station that the settings name, or else the one that runs here.

    Raises WrongStationError where none was named and several run.
    """
    if named or settings.control.endpoint or settings.stream.endpoint != default_endpoint(settings.name):
        return Meant(settings.control_endpoint, found=False)
    running = running_here()
    if len(running) > 1:
        raise WrongStationError(
            f"{len(running)} stations run here, {', '.join(running)}: name the settings of the one that you mean "
            "(--config FILE; `status FILE`)"
        )
    found = next(iter(running.values()), None)
    return Meant(found or settings.control_endpoint, found=found is not None)
