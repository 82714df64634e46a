"""`Alert`: an alert rule fired or cleared; `AlertNotice`: the same as it stands in the table, for the
sinks."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.clock import Instant
from monitor.records.vocabulary import AlertKind, RunState, Severity


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
    severity: Severity = Severity.WARNING
    """How much it matters."""


@dataclass(frozen=True, slots=True)
class AlertSummary:
    """Many alerts of one rule, told in one message."""

    event_ids: tuple[int, ...]
    """Their rows in `event_log`, rising."""
    raised: int
    """How many of them fired; the others cleared."""
    fields: tuple[str, ...]
    """The fields that they came from, in order of first appearance."""
    worst: Alert
    """The one that fired furthest beyond its limit, or the first where there is no value."""
    worst_field: str
    """Its field."""
    until: Instant
    """When the last of them was decided; the notice's own `at` is that of the first."""


@dataclass(frozen=True, slots=True)
class AlertNotice:
    """An alert as it stands in the store after its commit: what the sinks are given."""

    event_id: int
    """Its row in `event_log`, rising; a sink may see the same one again after a failure or a restart."""
    run_id: int
    """The run."""
    field: str
    """The well, drop or stage position; empty for what concerns the station."""
    at: Instant
    """When the frame that decided was captured."""
    alert: Alert
    """What fired or cleared."""
    key: str = ""
    """Idempotency key: the same in every attempt to send this notice, another one for every other notice of any run."""
    station: str = ""
    """The station's name."""
    run_name: str = ""
    """The run's name."""
    elapsed_s: float | None = None
    """Seconds since the run's time zero."""
    reminder: int = 0
    """0 for the alert itself, 1 for the first reminder of one that nobody acknowledged, and so on."""
    summary: AlertSummary | None = None
    """Where this is a message about many: which; `alert` then sums them up."""
    archived: str | None = None
    """The key frame's name in the archive, if it was kept."""
    picture: bytes | None = None
    """The frame with the crystals' outlines, PNG; None where there is none or the sink wants none."""


@dataclass(frozen=True, slots=True)
class FieldNow:
    """How a field is now: for sinks that show it, beside the alerts."""

    station: str
    """The station's name."""
    run_id: int
    """The run."""
    run_name: str
    """Its name."""
    field: str
    """The well, drop or stage position."""
    at: Instant
    """When that was seen."""
    state: RunState
    """How far the crystallization has come."""
    crystals: int | None
    """Crystals in view; None where nothing was seen."""
    fraction: float | None
    """Crystallised fraction of the field, 0 to 1."""
    t95_elapsed_s: float | None
    """When 95 % are foretold to be reached, seconds since the run's time zero."""
    raised: tuple[str, ...]
    """The alert rules that hold now."""
