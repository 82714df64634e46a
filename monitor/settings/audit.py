"""What the audit trail asks of the people whose deeds it records."""

from __future__ import annotations

from monitor.settings.base import SettingsModel


class AuditSettings(SettingsModel):
    """The audit trail: every start, stop, change of settings, and command, with who and why (`audit_log`)."""

    require_reason: bool = False
    """Whether `new-run`, `zero`, `ack` and `mute` are refused without `--reason`."""
