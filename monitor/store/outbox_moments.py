"""Moments of the outbox on both clocks: UTC to show, and the boot's own, by which a wait is measured while it lasts.

A clock that is set changes no wait within a boot. Across boots UTC bridges; a moment that is yet to come by it was
before the clock was set back: nobody can tell how long ago, so the wait counts as over.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, or_

from monitor.clock import NANOSECONDS_PER_SECOND, Instant
from monitor.store.tables import delivery

_MICROSECOND_NS = 1_000


def instant_of(at: datetime, boottime_ns: int | None = None, boot_id: str | None = None) -> Instant:
    """What was stored, UTC to the microsecond."""
    utc_ns = round(at.timestamp() * NANOSECONDS_PER_SECOND / _MICROSECOND_NS) * _MICROSECOND_NS
    return Instant(utc_ns, boottime_ns, boot_id or "")


def queued_values(at: Instant) -> dict[str, Any]:
    """Columns of a row that is queued then."""
    return {"queued_at": at.utc, "queued_boottime_ns": at.boottime_ns, "queued_boot_id": at.boot_id}


def attempted_values(at: Instant) -> dict[str, Any]:
    """Columns of a row whose last attempt ended then."""
    return {
        "last_attempt_at": at.utc,
        "last_attempt_boottime_ns": at.boottime_ns,
        "last_attempt_boot_id": at.boot_id,
    }


def queued_long_ago(now: Instant, after_s: float) -> ColumnElement[bool]:
    """Whether a row was queued more than so many seconds before `now`; see `monitor.clock.waited_s`."""
    before = now.after(-after_s)
    by_utc = or_(delivery.c.queued_at < before.utc, delivery.c.queued_at > now.utc)
    if before.boottime_ns is None:
        return by_utc
    by_boot = delivery.c.queued_boottime_ns < before.boottime_ns
    return case((delivery.c.queued_boot_id == now.boot_id, by_boot), else_=by_utc)
