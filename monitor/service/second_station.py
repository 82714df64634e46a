"""Refusing a second station before anything is begun for it."""

from __future__ import annotations

from monitor.analysis.sole_daemon import sole_daemon
from monitor.grabber.session_file import SessionFile
from monitor.settings.station import StationSettings


def refuse_second(settings: StationSettings) -> None:
    """Raises UserError where another process serves one of the station's sockets, or they cannot be used.

    The processes take both sockets for themselves, and refuse as well: this is for whoever would start them.
    """
    with sole_daemon(settings), SessionFile(settings.stream):
        pass
