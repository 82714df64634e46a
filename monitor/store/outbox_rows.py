"""Rows of the outbox within the caller's transaction: what is due, what became of it, and what waits for too long."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, literal, or_, select, update

from monitor.clock import Instant
from monitor.records.alert import Alert, AlertNotice
from monitor.records.delivery import Arrears, DeliveryAttempt, Parcel
from monitor.records.vocabulary import AlertKind, DeliveryState, EventKind, Severity
from monitor.store.column_types import UtcTime
from monitor.store.outbox_moments import attempted_values, instant_of, queued_long_ago
from monitor.store.tables import delivery, event, field, frame, run

PENDING = DeliveryState.PENDING.value
GIVEN_UP = DeliveryState.GIVEN_UP.value
_LONGEST_SUMMARY = 10_000
_LONGEST_ERROR = 2_000


def close_others(connection: Connection, station: str, sinks: Collection[str], reason: str) -> list[str]:
    """Give up what waits for sinks that are not among `sinks`; the names of those that lost something by it."""
    others = and_(
        delivery.c.station == station, delivery.c.state == PENDING, delivery.c.sink.not_in(list(sinks))
    )
    names = connection.execute(select(delivery.c.sink).where(others).distinct()).scalars().all()
    if names:
        closed = update(delivery).where(others)
        connection.execute(closed.values(state=GIVEN_UP, next_attempt_at=None, last_error=reason))
    return sorted(names)


def close_acknowledged_reminders(connection: Connection, station: str) -> None:
    """What is acknowledged is not reminded of."""
    acknowledged = select(event.c.event_id).where(event.c.acknowledged_at.is_not(None))
    waiting = update(delivery).where(
        delivery.c.station == station,
        delivery.c.state == PENDING,
        delivery.c.reminder > 0,
        delivery.c.event_id.in_(acknowledged),
    )
    connection.execute(
        waiting.values(state=GIVEN_UP, next_attempt_at=None, last_error="acknowledged meanwhile")
    )


def adopt_station(connection: Connection, station: str) -> None:
    """A station was given another name: what waits is sent under the new one. For a store of one station alone."""
    waiting = update(delivery).where(delivery.c.state == PENDING, delivery.c.station != station)
    connection.execute(waiting.values(station=station))


def write_attempts(connection: Connection, attempts: Sequence[DeliveryAttempt]) -> list[DeliveryAttempt]:
    """What became of parcels; one that was closed meanwhile, or written before, stays so: the answer is the others."""
    written = []
    for attempt in attempts:
        row = update(delivery).where(
            delivery.c.delivery_id.in_(attempt.parcel.delivery_ids), delivery.c.state == PENDING
        )
        changed = connection.execute(
            row.values(
                state=attempt.state.value,
                attempts=attempt.attempts,
                first_attempt_at=func.coalesce(
                    delivery.c.first_attempt_at, literal(attempt.at.utc, UtcTime())
                ),
                next_attempt_at=None if attempt.next_at is None else attempt.next_at.utc,
                last_error=attempt.error[:_LONGEST_ERROR] or None,
                **attempted_values(attempt.at),
            )
        )
        if changed.rowcount:
            written.append(attempt)
    return written


def due_parcels(
    connection: Connection, station: str, sink: str, now: Instant, in_hand: Collection[int], most: int
) -> list[Parcel]:
    """At most `most` parcels that the sink is to be sent now, in order, but for those `in_hand` (their first rows).

    A summary has at most 10,000 alerts; those beyond are another one, once it was brought. What was queued at a moment
    that is yet to come was queued before the clock was set back: it is due, for how long it waited nobody can tell.
    """
    waiting = _waiting(station, sink)
    firsts = (
        select(func.min(delivery.c.delivery_id))
        .where(waiting, delivery.c.summary_event_id.is_not(None))
        .group_by(delivery.c.summary_event_id)
    )
    leads = or_(delivery.c.summary_event_id.is_(None), delivery.c.delivery_id.in_(firsts))
    due = or_(
        delivery.c.attempts > 0,
        delivery.c.next_attempt_at.is_(None),
        delivery.c.next_attempt_at <= now.utc,
        delivery.c.queued_at > now.utc,
    )
    rows = _notice_rows(
        connection, waiting & leads & due, most + len(in_hand)
    )  # those in hand are among them
    parcels = []
    for row in rows:
        if row.delivery_id in in_hand:
            continue
        members: Sequence[Row[*tuple[Any, ...]]] = [row]
        if row.summary_event_id is not None:
            together = waiting & (delivery.c.summary_event_id == row.summary_event_id)
            members = _notice_rows(connection, together, _LONGEST_SUMMARY)
        ids = tuple(member.delivery_id for member in members)
        notices = tuple(_notice(member) for member in members)
        queued = instant_of(row.queued_at, row.queued_boottime_ns, row.queued_boot_id)
        parcels.append(Parcel(sink, ids, notices, row.attempts, queued))
    return parcels[:most]


def close_summaries(connection: Connection, station: str, parcels: Sequence[Parcel]) -> None:
    """Let nothing join the summaries that are given out now: their next attempt has no time of its own any more.

    In the database, so that it holds whatever the clock does, and over a restart.
    """
    for parcel in parcels:
        first = select(delivery.c.summary_event_id).where(delivery.c.delivery_id == parcel.delivery_ids[0])
        given_out = connection.execute(first).scalar()
        if given_out is not None and not parcel.attempts:
            summary = _waiting(station, parcel.sink) & (delivery.c.summary_event_id == given_out)
            connection.execute(update(delivery).where(summary).values(next_attempt_at=None))


def next_due(connection: Connection, station: str, now: Instant) -> datetime | None:
    """When the next summary is due that is not yet; None where none waits."""
    wanted = select(func.min(delivery.c.next_attempt_at)).where(
        delivery.c.station == station,
        delivery.c.state == PENDING,
        delivery.c.attempts == 0,
        delivery.c.next_attempt_at > now.utc,
    )
    found: datetime | None = connection.execute(wanted).scalar()
    return found


def arrears(connection: Connection, station: str, now: Instant, after_s: float) -> list[Arrears]:
    """Per sink what was queued more than so many seconds ago and waits still."""
    late = and_(delivery.c.station == station, delivery.c.state == PENDING, queued_long_ago(now, after_s))
    counted = (
        select(
            func.count().label("waiting"),
            func.min(delivery.c.delivery_id).label("first"),
            func.max(delivery.c.last_error).label("last_error"),
        )
        .where(late)
        .group_by(delivery.c.sink)
        .subquery()
    )
    first = delivery.c
    found = connection.execute(
        select(
            first.sink,
            counted.c.waiting,
            counted.c.last_error,
            first.queued_at,
            first.queued_boottime_ns,
            first.queued_boot_id,
        )
        .join(counted, counted.c.first == first.delivery_id)
        .order_by(first.sink)
    )
    return [
        Arrears(
            row.sink,
            row.waiting,
            instant_of(row.queued_at, row.queued_boottime_ns, row.queued_boot_id),
            row.last_error or "",
        )
        for row in found
    ]


def sinks_in_arrears(connection: Connection, run_id: int) -> dict[str, bool]:
    """By the rule's name: whether the run's last alert about a sink was raised (True) or cleared."""
    said = connection.execute(
        select(event.c.rule, event.c.kind)
        .where(event.c.run_id == run_id, event.c.alert_kind == AlertKind.DELIVERY.value)
        .order_by(event.c.event_id)
    )
    return {row.rule: row.kind == EventKind.ALERT_RAISED.value for row in said}


def _waiting(station: str, sink: str) -> ColumnElement[bool]:
    return and_(delivery.c.station == station, delivery.c.sink == sink, delivery.c.state == PENDING)


_KEY_FRAME = (
    select(frame.c.archived)
    .join(field, field.c.field_id == frame.c.field_id)
    .where(
        field.c.run_id == event.c.run_id,
        field.c.name == event.c.field,
        frame.c.elapsed_s == event.c.elapsed_s,
    )
    .limit(1)
    .scalar_subquery()
    .label("archived")
)


def _notice_rows(
    connection: Connection, where: ColumnElement[bool], most: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    wanted = (
        select(
            delivery.c.delivery_id,
            delivery.c.station,
            delivery.c.summary_event_id,
            delivery.c.attempts,
            delivery.c.reminder,
            delivery.c.queued_at,
            delivery.c.queued_boottime_ns,
            delivery.c.queued_boot_id,
            event,
            run.c.name.label("run_name"),
            run.c.started_utc_ns,
            run.c.zero_s,
            _KEY_FRAME,
        )
        .join(event, event.c.event_id == delivery.c.event_id)
        .join(run, run.c.run_id == event.c.run_id)
        .where(where)
        .order_by(delivery.c.delivery_id)
        .limit(most)
    )
    return connection.execute(wanted).all()


def _notice(row: Row[*tuple[Any, ...]]) -> AlertNotice:
    alert = Alert(
        rule=row.rule,
        kind=AlertKind(row.alert_kind),
        raised=row.kind == EventKind.ALERT_RAISED.value,
        message=row.message,
        value=row.value,
        limit=row.limit_value,
        crystal_id=row.crystal_id,
        severity=Severity(row.severity or Severity.WARNING.value),
    )
    # Events are numbered anew in another database: the moment when the run began tells them apart.
    begun_ms = row.started_utc_ns // 1_000_000
    key = f"{row.station}.{begun_ms}.{row.event_id}" + (f".r{row.reminder}" if row.reminder else "")
    return AlertNotice(
        event_id=row.event_id,
        run_id=row.run_id,
        field=row.field or "",
        at=instant_of(row.at),
        alert=alert,
        key=f"{key}.summary" if row.summary_event_id is not None else key,
        station=row.station,
        run_name=row.run_name,
        elapsed_s=row.elapsed_s - row.zero_s,
        reminder=row.reminder,
        archived=row.archived,
    )
