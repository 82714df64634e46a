"""Runs: opening, closing and changing them, within the caller's transaction."""

from __future__ import annotations

import json
from dataclasses import replace

from sqlalchemy import Connection, func, insert, literal, select, update

from monitor.clock import Instant
from monitor.errors import StoreError
from monitor.records.audit import OF_THE_PROCESS, Attribution
from monitor.records.result import Event
from monitor.records.run import (
    AlertsMuted,
    EventAcknowledged,
    FramesPassedOver,
    Run,
    RunChange,
    RunEnded,
    RunEvent,
    RunStart,
    SessionEnded,
    SilenceObserved,
    StorageObserved,
    TimeZeroSet,
)
from monitor.records.vocabulary import EndReason, EventKind
from monitor.store import ledger
from monitor.store.audit import write_audit
from monitor.store.audit_deeds import acknowledged, run_changed, run_ended, run_started
from monitor.store.column_types import UtcTime
from monitor.store.field_rows import insert_events, observe_silence
from monitor.store.frame_events import state_and_alert_events
from monitor.store.muting import muting_details
from monitor.store.run_time import run_time_s
from monitor.store.tables import event, field, run, trail

_OF_ALERTS = (EventKind.ALERT_RAISED, EventKind.ALERT_CLEARED, EventKind.ALERT_UNDELIVERED)
"""Events that an operator may acknowledge."""


def open_run(
    connection: Connection,
    start: RunStart,
    station: str,
    sharing: str | None = None,
    by: Attribution = OF_THE_PROCESS,
) -> Run:
    """Close what is open and begin the run of the station; `sharing`: see `find_open_run`."""
    last = find_open_run(connection, sharing)
    if last is not None:
        end_run(connection, last, start.started, f"run {start.name!r} was started", by)
    made = connection.execute(
        insert(run).values(
            name=start.name,
            started_at=start.started.utc,
            started_utc_ns=start.started.utc_ns,
            started_boottime_ns=start.started.boottime_ns,
            started_boot_id=start.started.boot_id,
            epoch_utc_ns=start.epoch.utc_ns,
            epoch_boottime_ns=start.epoch.boottime_ns,
            epoch_boot_id=start.epoch.boot_id,
            zero_s=0.0,
            told_event_id=0,
            version=start.version,
            model=start.model,
            weights_sha256=start.weights_sha256,
            model_card=start.model_card_json,
            backend=start.backend,
            settings=start.settings_json,
            camera=start.camera,
            um_per_px=start.um_per_px,
            detection_limit_px=start.detection_limit_px,
            station=station,
        )
    )
    assert made.inserted_primary_key is not None
    opened = Run(made.inserted_primary_key[0], start)
    _insert_event(
        connection, opened, start.started, Event(EventKind.RUN_STARTED, f"run {start.name!r} started")
    )
    write_audit(connection, run_started(opened, by))
    return opened


def find_open_run(connection: Connection, sharing: str | None = None) -> Run | None:
    """The newest run that has no end; that of the station `sharing` the store with others, where one is named."""
    open_runs = select(run).where(run.c.ended_at.is_(None))
    if sharing is not None:
        open_runs = open_runs.where(run.c.station == sharing)
    found = connection.execute(open_runs.order_by(run.c.run_id.desc()).limit(1)).one_or_none()
    if found is None:
        return None
    start = RunStart(
        name=found.name,
        started=Instant(found.started_utc_ns, found.started_boottime_ns, found.started_boot_id),
        epoch=Instant(found.epoch_utc_ns, found.epoch_boottime_ns, found.epoch_boot_id),
        version=found.version,
        model=found.model,
        weights_sha256=found.weights_sha256,
        model_card_json=found.model_card,
        backend=found.backend,
        settings_json=found.settings,
        camera=found.camera,
        um_per_px=found.um_per_px,
        detection_limit_px=found.detection_limit_px,
    )
    return Run(found.run_id, start, found.zero_s)


def change_run(
    connection: Connection, changed: Run, change: RunChange, by: Attribution = OF_THE_PROCESS
) -> Run:
    """Write one change to a run, and who made it; the run as it is afterwards. Acknowledgements: `acknowledge`."""
    after = _changed(connection, changed, change, by)
    deed = run_changed(changed, after, change, by)
    if deed is not None:
        write_audit(connection, deed)
    return after


def acknowledge(
    connection: Connection,
    change: EventAcknowledged,
    by: Attribution = OF_THE_PROCESS,
    sharing: str | None = None,
) -> None:
    """Acknowledge an alert of any run of the station, ended or not: it stays to be acknowledged when its run is over.

    `sharing`: see `find_open_run`. Raises StoreError where there is no such event, or it tells of no alert.
    """
    known = select(event.c.run_id, event.c.kind).where(event.c.event_id == change.event_id)
    if sharing is not None:
        known = known.where(event.c.run_id.in_(select(run.c.run_id).where(run.c.station == sharing)))
    found = connection.execute(known).one_or_none()
    if found is None:
        raise StoreError(
            f"there is no event {change.event_id} in this station's runs: `crystal-monitor events` lists those of the "
            "last run, `crystal-monitor events RUN` those of another"
        )
    if found.kind not in _OF_ALERTS:
        raise StoreError(
            f"event {change.event_id} is no alert ({found.kind}), and only alerts are acknowledged: `crystal-monitor "
            "status` shows those that wait"
        )
    first = func.coalesce(event.c.acknowledged_at, literal(change.at.utc, UtcTime()))
    connection.execute(update(event).where(event.c.event_id == change.event_id).values(acknowledged_at=first))
    write_audit(connection, acknowledged(change, by, found.run_id))


def _changed(connection: Connection, changed: Run, change: RunChange, by: Attribution) -> Run:
    if isinstance(change, RunEvent):
        _insert_event(connection, changed, change.at, change.event, change.field, dict(change.details))
    elif isinstance(change, TimeZeroSet):
        return _set_zero(connection, changed, change)
    elif isinstance(change, SessionEnded):
        ledger.end_session(connection, changed.run_id, change)
    elif isinstance(change, FramesPassedOver):
        ledger.pass_over(connection, changed.run_id, change)
    elif isinstance(change, RunEnded):
        end_run(connection, changed, change.at, change.reason, by)
    elif isinstance(change, SilenceObserved):
        observe_silence(connection, changed, change)
    elif isinstance(change, StorageObserved):
        rows = state_and_alert_events(None, change.alerts, None)
        at_s = run_time_s(connection, changed, change.at)
        insert_events(connection, changed.run_id, None, change.at, at_s, rows)
    elif isinstance(change, AlertsMuted):
        note = Event(EventKind.NOTE, change.message)
        _insert_event(connection, changed, change.at, note, None, muting_details(change.until))
    return changed


def end_run(
    connection: Connection, ended: Run, at: Instant, reason: str, by: Attribution = OF_THE_PROCESS
) -> None:
    """Close the run and the trails that still live; a run that has ended stays as it is."""
    closed = connection.execute(
        update(run).where(run.c.run_id == ended.run_id, run.c.ended_at.is_(None)).values(ended_at=at.utc)
    )
    if not closed.rowcount:
        return
    fields = select(field.c.field_id).where(field.c.run_id == ended.run_id)
    connection.execute(
        update(trail)
        .where(trail.c.field_id.in_(fields), trail.c.ended_s.is_(None))
        .values(ended_s=trail.c.last_seen_s, end_reason=EndReason.RUN_END.value)
    )
    message = f"run {ended.start.name!r} ended" + (f": {reason}" if reason else "")
    _insert_event(connection, ended, at, Event(EventKind.RUN_ENDED, message))
    write_audit(connection, run_ended(ended, at, message, by))


def _set_zero(connection: Connection, changed: Run, change: TimeZeroSet) -> Run:
    zero_s = run_time_s(connection, changed, change.at)
    connection.execute(update(run).where(run.c.run_id == changed.run_id).values(zero_s=zero_s))
    moved = replace(changed, zero_s=zero_s)
    message = f"time zero set, {zero_s - changed.zero_s:+.6g} s after the last one"
    _insert_event(connection, moved, change.at, Event(EventKind.TIME_ZERO, message, None, zero_s))
    return moved


def _insert_event(
    connection: Connection,
    of: Run,
    at: Instant,
    what: Event,
    in_field: str | None = None,
    details: dict[str, float | str] | None = None,
) -> None:
    connection.execute(
        insert(event).values(
            run_id=of.run_id,
            field=in_field,
            at=at.utc,
            elapsed_s=run_time_s(connection, of, at),
            kind=what.kind.value,
            crystal_id=what.crystal_id,
            message=what.message,
            value=what.value,
            details=json.dumps(details) if details else None,
        )
    )
