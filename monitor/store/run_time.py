"""The time of a run at a moment of real time, for what happens outside any frame."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from monitor.clock import Instant
from monitor.records.run import Run
from monitor.store.tables import field, frame


def run_time_s(connection: Connection, run: Run, at: Instant) -> float:
    """Seconds since the run's epoch: by the clock where the run keeps real time, else those of its last frame."""
    if run.keeps_real_time(at):
        return run.elapsed_s(at)
    last = (
        select(func.max(frame.c.elapsed_s))
        .join(field, field.c.field_id == frame.c.field_id)
        .where(field.c.run_id == run.run_id)
    )
    return connection.execute(last).scalar() or 0.0
