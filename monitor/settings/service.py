"""How a service manager (systemd) is told that the station works."""

from __future__ import annotations

from pydantic import Field

from monitor.settings.base import SettingsModel

INTERVALS = 3
"""A process that proves no progress for this many intervals is frozen."""


class ServiceSettings(SettingsModel):
    """The watchdog of the two services; without systemd nothing watches, and this changes nothing."""

    least_limit_s: float = Field(default=60.0, ge=3, le=86_400, allow_inf_nan=False)
    """The analysis is started again when it commits neither frame nor silence for 3 × `analysis.interval_s`, but never
    sooner than this, seconds. A machine that needs longer for a frame is given 3 × what its slowest took."""
    camera_patience_s: float = Field(default=120.0, ge=3, le=86_400, allow_inf_nan=False)
    """The grabber is started again when a live camera neither gives a frame nor fails for so long, seconds: its driver
    hangs. Raise it for a camera that waits for a trigger. A folder or file may be quiet for any time."""
