"""A field's row: its state after the last frame, what a restart needs, and the events that belong to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import UpdateBase

from monitor.clock import Instant
from monitor.records.growth import CompletionState
from monitor.records.result import FieldStateRecord
from monitor.records.run import Run, SilenceObserved
from monitor.records.vocabulary import RunState
from monitor.store.bulk import execute_row
from monitor.store.column_types import POSTGRESQL
from monitor.store.frame_events import EventRow, state_and_alert_events
from monitor.store.run_time import run_time_s
from monitor.store.tables import event, field, field_state


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field's row, as far as writing needs it."""

    field_id: int
    """Its key."""
    next_crystal_id: int
    """The first crystal number that was never given."""
    state: RunState | None
    """Its state after the last frame that had one."""


_FIELD_KEY = ("in_run", "called")
_FIELD = select(field.c.field_id, field.c.next_crystal_id, field.c.state).where(
    field.c.run_id == bindparam("in_run"), field.c.name == bindparam("called")
)
_STATE_NAMES = ("field_id", "tracker_json", "completion_json", "alerts_json", "labels")


def _replacing_state() -> tuple[UpdateBase, UpdateBase]:
    """For SQLite and for PostgreSQL."""
    made: list[UpdateBase] = []
    for begun in (sqlite.insert(field_state), postgresql.insert(field_state)):
        new = {name: begun.excluded[name] for name in _STATE_NAMES[1:]}
        made.append(begun.on_conflict_do_update(index_elements=[field_state.c.field_id], set_=new))
    return made[0], made[1]


_REPLACE_STATE = _replacing_state()


def open_field(connection: Connection, run_id: int, name: str) -> FieldRow:
    """The field's row, made if need be."""
    wanted = (run_id, name)
    found = execute_row(connection, _FIELD, _FIELD_KEY, wanted)
    if not found:
        connection.execute(insert(field).values(run_id=run_id, name=name, next_crystal_id=1))
        found = execute_row(connection, _FIELD, _FIELD_KEY, wanted)
    ((field_id, next_crystal_id, state),) = found
    return FieldRow(field_id, next_crystal_id, RunState(state) if state else None)


def completion_values(completion: CompletionState, at: Instant, elapsed_s: float) -> dict[str, object]:
    """The columns of `field` that say how far it has come; `elapsed_s` is that of `at`."""
    completed_at = None
    if completion.completed_elapsed_s is not None:
        completed_at = at.utc - timedelta(seconds=elapsed_s - completion.completed_elapsed_s)
    return {
        "state": completion.state.value,
        "explanation": completion.explanation,
        "decided_by": json.dumps(dict(completion.decided_by)),
        "completed_elapsed_s": completion.completed_elapsed_s,
        "completed_at": completed_at,
    }


def replace_state(connection: Connection, field_id: int, state: FieldStateRecord) -> None:
    """Put the field's state for the next start in place of the last."""
    which = int(connection.dialect.name == POSTGRESQL)
    values = (field_id, state.tracker_json, state.completion_json, state.alerts_json, state.labels)
    execute_row(connection, _REPLACE_STATE[which], _STATE_NAMES, values)


def observe_silence(connection: Connection, run: Run, silence: SilenceObserved) -> None:
    """Write what time without frames did to the field."""
    field_row = open_field(connection, run.run_id, silence.field)
    rows = state_and_alert_events(silence.completion, silence.alerts, field_row.state)
    elapsed_s = run_time_s(connection, run, silence.at)
    insert_events(connection, run.run_id, silence.field, silence.at, elapsed_s, rows)
    values = completion_values(silence.completion, silence.at, elapsed_s)
    connection.execute(update(field).where(field.c.field_id == field_row.field_id).values(**values))
    replace_state(connection, field_row.field_id, silence.state)


def insert_events(
    connection: Connection,
    run_id: int,
    name: str | None,
    at: Instant,
    elapsed_s: float,
    rows: Sequence[EventRow],
) -> None:
    """Write the events of one moment; `name` is the field's, None for the whole run's."""
    if rows:
        values = [
            {
                "run_id": run_id,
                "field": name,
                "at": at.utc,
                "elapsed_s": elapsed_s,
                "kind": row.event.kind.value,
                "crystal_id": row.event.crystal_id,
                "message": row.event.message,
                "value": row.event.value,
                "rule": row.alert.rule if row.alert else None,
                "alert_kind": row.alert.kind.value if row.alert else None,
                "limit_value": row.alert.limit if row.alert else None,
                "details": json.dumps(dict(row.details)) if row.details else None,
                "severity": row.alert.severity.value if row.alert else None,
            }
            for row in rows
        ]
        connection.execute(insert(event), values)
