"""The one error of an installation."""

from __future__ import annotations

from monitor.errors import UserError


class InstallError(UserError):
    """It cannot be installed, upgraded or removed; what was begun has been backed out."""
