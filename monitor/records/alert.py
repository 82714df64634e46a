"""`Alert`: an alert rule fired or cleared; `AlertNotice`: the same as it stands in the table, for the
sinks."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.clock import Instant
from monitor.records.vocabulary import AlertKind


@dataclass(frozen=True, slots=True)
class Alert:
    """One change of an alert rule's state; written in the frame's transaction, sent after its commit."""

    rule: str
    """The rule's name in the settings."""
    kind: AlertKind
    """What it watches."""
    raised: bool
    """True when it fired, False when it cleared."""
    message: str
    """In the user's terms, with value, limit and units."""
    value: float | None = None
    """The value that decided."""
    limit: float | None = None
    """The rule's limit."""
    crystal_id: int | None = None
    """The crystal concerned, for rules that look at single crystals."""


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """An alert as it stands in the store after its commit: what the sinks are given."""

    event_id: int
    """Its row in `event_log`, rising; a sink may see the same one again after a restart."""
    run_id: int
    """The run."""
    field: str
    """The well, drop or stage position."""
    at: Instant
    """When the frame that decided was captured."""
    alert: Alert
    """What fired or cleared."""
