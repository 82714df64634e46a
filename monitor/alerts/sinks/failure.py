"""The error of a sink that could not send."""

from __future__ import annotations

from monitor.errors import CrystalMonitorError


class AlertSinkError(CrystalMonitorError):
    """A sink could not send an alert; reported, the acquisition goes on."""
