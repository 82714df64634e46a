"""What may be wrong with a single file: values for a `FailedFrame`, not the end of the run."""

from __future__ import annotations

from monitor.errors import CrystalMonitorError


class UnreadableImageError(CrystalMonitorError):
    """A file is no whole image that can be decoded."""


class NoTimeError(CrystalMonitorError):
    """Nobody knows when an image was taken."""
