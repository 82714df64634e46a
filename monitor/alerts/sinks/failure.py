"""The errors of a sink that could not send; their messages hold no secret."""

from __future__ import annotations

from monitor.errors import CrystalMonitorError


class AlertSinkError(CrystalMonitorError):
    """A sink could not send an alert; it is kept and sent again."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        """`retry_after_s`: what the receiver asked for, seconds; None leaves it to the sender."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AlertRefusedError(AlertSinkError):
    """The receiver works, and will not take this very message: after a few attempts it is given up."""
