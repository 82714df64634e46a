"""The sink that writes alerts to the process's log (under systemd: the journal)."""

from __future__ import annotations

import logging

from monitor.alerts.message import one_line
from monitor.records import AlertNotice
from monitor.settings.sinks import LogOptions

_LOGGER = logging.getLogger("crystal_monitor.alerts")


class LogSink:
    """Raised alerts are warnings, cleared ones information."""

    def __init__(self, options: LogOptions, station: str) -> None:
        """There are no options."""

    @staticmethod
    def check(options: LogOptions, station: str) -> None:
        """It always works."""

    def send(self, notice: AlertNotice) -> None:
        """Write one line."""
        level = logging.WARNING if notice.alert.raised else logging.INFO
        subject = {"run": notice.run_id, "field": notice.field}
        _LOGGER.log(level, "%s", one_line(notice), extra={"subject": subject})

    def close(self) -> None:
        """Nothing is held."""
