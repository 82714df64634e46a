"""`Alert`: an alert rule fired or cleared."""

from __future__ import annotations

from dataclasses import dataclass

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
