"""Alerts into the outbox, within the caller's transaction: one by one, together in a flood, again as reminders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from monitor.clock import Instant, waited_s
from monitor.records.delivery import Subscription, sink_rule
from monitor.records.vocabulary import DeliveryState, EventKind, Severity
from monitor.store.outbox_moments import instant_of, queued_values
from monitor.store.tables import delivery, event, run

_PENDING = DeliveryState.PENDING.value


@dataclass(frozen=True, slots=True)
class Flood:
    """When alerts of a rule are put together: more than `more_than` of them within `within_s` seconds."""

    more_than: int
    """So many go out one by one; 0 puts nothing together."""
    within_s: float
    """Seconds; also how long a summary waits for more."""


def queue_alerts(
    connection: Connection,
    run_id: int,
    station: str,
    subscriptions: Sequence[Subscription],
    flood: Flood,
    now: Instant,
) -> datetime | None:
    """Put the run's alerts that are not in the outbox yet into it; the earliest moment at which one is due, or None.

    Call it in the transaction that wrote them.
    """
    before = connection.execute(select(run.c.told_event_id).where(run.c.run_id == run_id)).scalar_one()
    found = connection.execute(
        select(event.c.event_id, event.c.rule)
        .where(event.c.run_id == run_id, event.c.event_id > before, event.c.rule.is_not(None))
        .order_by(event.c.event_id)
    ).all()
    due = []
    for event_id, rule in found:
        for one in subscriptions:
            if rule == sink_rule(one.sink):
                continue
            row = {"station": station, "sink": one.sink, "event_id": event_id, "rule": rule, "reminder": 0}
            if one.summarise and flood.more_than:
                due.append(_queue_in_flood(connection, row, flood, now))
            else:
                due.append(_queue(connection, row, now.utc, now))
    if found:
        connection.execute(update(run).where(run.c.run_id == run_id).values(told_event_id=found[-1].event_id))
    return min(due, default=None)


def _queue(connection: Connection, row: dict[str, Any], due: datetime, now: Instant) -> datetime:
    values = {**row, "state": _PENDING, "attempts": 0, **queued_values(now), "next_attempt_at": due}
    connection.execute(insert(delivery).values(values))
    return due


def _queue_in_flood(connection: Connection, row: dict[str, Any], flood: Flood, now: Instant) -> datetime:
    """Alone, or into the summary that is open for this rule, or as the first of one."""
    columns = (
        delivery.c.queued_at,
        delivery.c.queued_boottime_ns,
        delivery.c.queued_boot_id,
        delivery.c.summary_event_id,
        delivery.c.state,
        delivery.c.attempts,
        delivery.c.next_attempt_at,
    )
    latest = connection.execute(
        select(*columns)
        .where(
            delivery.c.station == row["station"],
            delivery.c.sink == row["sink"],
            delivery.c.rule == row["rule"],
            delivery.c.reminder == 0,
        )
        .order_by(delivery.c.delivery_id.desc())
        .limit(flood.more_than)
    ).all()
    last = latest[0] if latest else None
    if (
        last is not None
        and last.summary_event_id is not None
        and last.state == _PENDING
        and not last.attempts
        and last.next_attempt_at is not None  # else it was given out, see `close_summaries`
        and last.next_attempt_at > now.utc
    ):
        due = min(last.next_attempt_at, now.after(flood.within_s).utc)  # sooner, if the clock was set back
        return _queue(connection, {**row, "summary_event_id": last.summary_event_id}, due, now)
    oldest = latest[-1] if len(latest) == flood.more_than else None
    if oldest is not None and (
        waited_s(instant_of(oldest.queued_at, oldest.queued_boottime_ns, oldest.queued_boot_id), now)
        < flood.within_s
    ):
        due = now.after(flood.within_s).utc
        return _queue(connection, {**row, "summary_event_id": row["event_id"]}, due, now)
    return _queue(connection, row, now.utc, now)


def queue_reminders(
    connection: Connection,
    run_id: int,
    station: str,
    subscriptions: Sequence[Subscription],
    every_s: float,
    now: Instant,
) -> int:
    """Queue another notice of every critical alert of the run that still holds and that nobody acknowledged; how many.

    Never before the last one was sent, and not within `every_s` seconds of it.
    """
    later = event.alias("later")
    cleared = select(later.c.event_id).where(
        later.c.run_id == run_id,
        later.c.event_id > event.c.event_id,
        later.c.rule == event.c.rule,
        func.coalesce(later.c.field, "") == func.coalesce(event.c.field, ""),
        later.c.kind == EventKind.ALERT_CLEARED.value,
    )
    holding = connection.execute(
        select(event.c.event_id, event.c.rule).where(
            event.c.run_id == run_id,
            event.c.kind == EventKind.ALERT_RAISED.value,
            event.c.severity == Severity.CRITICAL.value,
            event.c.acknowledged_at.is_(None),
            ~cleared.exists(),
        )
    ).all()
    queued = 0
    for event_id, rule in holding:
        for one in subscriptions:
            last = connection.execute(
                select(
                    delivery.c.reminder,
                    delivery.c.last_attempt_at,
                    delivery.c.last_attempt_boottime_ns,
                    delivery.c.last_attempt_boot_id,
                )
                .where(
                    delivery.c.event_id == event_id,
                    delivery.c.sink == one.sink,
                )
                .order_by(delivery.c.reminder.desc())
                .limit(1)
            ).one_or_none()
            if last is None or last.last_attempt_at is None:
                continue
            since = instant_of(last.last_attempt_at, last.last_attempt_boottime_ns, last.last_attempt_boot_id)
            if waited_s(since, now) >= every_s and not _is_pending(connection, event_id, one.sink):
                row = {"station": station, "sink": one.sink, "event_id": event_id, "rule": rule}
                _queue(connection, {**row, "reminder": last.reminder + 1}, now.utc, now)
                queued += 1
    return queued


def _is_pending(connection: Connection, event_id: int, sink: str) -> bool:
    wanted = select(delivery.c.delivery_id).where(
        delivery.c.event_id == event_id, delivery.c.sink == sink, delivery.c.state == _PENDING
    )
    return connection.execute(wanted.limit(1)).one_or_none() is not None
