"""How much the processes say."""

from __future__ import annotations

from typing import Literal

from monitor.settings.base import SettingsModel


class LogSettings(SettingsModel):
    """Messages of grabber and analysis: to the journal under systemd, with the fields RUN, CAMERA, FIELD and FRAME; to
    standard error elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is written; `-v` writes `info` in any case."""
