"""One daemon for each control socket: frames, runs and commands of another station are not this one's."""

from __future__ import annotations

from pathlib import Path

from monitor.errors import ControlError
from monitor.settings.endpoints import IPC_PREFIX
from monitor.settings.station import StationSettings
from monitor.wire import SocketLock, SocketTakenError, make_socket_folder


def sole_daemon(settings: StationSettings) -> SocketLock:
    """The lock on the station's control socket. Raises ControlError where another daemon has it."""
    endpoint = settings.control_endpoint
    path = Path(endpoint.removeprefix(IPC_PREFIX))
    try:
        make_socket_folder(path.parent)
        return SocketLock(path)
    except SocketTakenError as holder:
        raise ControlError(
            f"a station with the control socket {endpoint} runs already, {holder}: stop it, or give this station "
            f"another `name` than {settings.name!r}, or another control.endpoint"
        ) from None
    except OSError as error:
        raise ControlError(
            f"the control socket {endpoint} cannot be opened ({error.strerror}): choose another with control.endpoint"
        ) from error
