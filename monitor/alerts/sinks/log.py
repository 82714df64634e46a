"""The sink that writes alerts to the process's log (under systemd: the journal)."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from monitor.errors import UserError
from monitor.records import AlertNotice

_LOGGER = logging.getLogger("crystal_monitor.alerts")


class LogSink:
    """Raised alerts are warnings, cleared ones information. No options."""

    def __init__(self, options: Mapping[str, str | int | float | bool]) -> None:
        """Raises UserError for any option."""
        if options:
            raise UserError(
                f"the alert sink 'log' has no options, got {', '.join(sorted(options))}: remove them"
            )

    def send(self, notice: AlertNotice) -> None:
        """Write one line."""
        level = logging.WARNING if notice.alert.raised else logging.INFO
        _LOGGER.log(
            level,
            "run %d, field %s, %s: %s",
            notice.run_id,
            notice.field,
            notice.alert.rule,
            notice.alert.message,
        )

    def close(self) -> None:
        """Nothing is held."""
