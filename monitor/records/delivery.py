"""Alerts on their way to the sinks: what is to be sent, and what came of an attempt."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.clock import Instant
from monitor.records.alert import AlertNotice
from monitor.records.vocabulary import DeliveryState


@dataclass(frozen=True, slots=True)
class Subscription:
    """A sink that alerts are queued for."""

    sink: str
    """Its name in the settings."""
    summarise: bool
    """Whether a flood is put together for it."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a sink is to be sent in one message."""

    sink: str
    """To whom."""
    delivery_ids: tuple[int, ...]
    """Its rows in the outbox, rising; the first one is its place in the order."""
    notices: tuple[AlertNotice, ...]
    """One, or all that are to be told in one message."""
    attempts: int
    """How often it was tried so far."""
    queued: Instant
    """When the first of them was put into the outbox, on the real clock."""


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """What came of an attempt."""

    parcel: Parcel
    """Which."""
    state: DeliveryState
    """`pending`: it failed and is tried again."""
    at: Instant
    """When it ended, on the real clock."""
    attempts: int
    """How often it was tried by now."""
    next_at: Instant | None = None
    """When it is tried again; None where it is not."""
    error: str = ""
    """What failed, in the user's terms, without any secret; empty where it was sent."""


@dataclass(frozen=True, slots=True)
class Arrears:
    """Alerts that a sink should have got long ago."""

    sink: str
    """Which sink."""
    count: int
    """How many."""
    oldest: Instant
    """Since when the oldest waits."""
    last_error: str
    """What the last attempt failed with; empty where none has ended yet."""


def sink_rule(sink: str) -> str:
    """The rule's name in alerts about a sink that does not take alerts: they are not queued for that sink itself."""
    return f"delivery to {sink}"
