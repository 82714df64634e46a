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
    # Field by field, so that each is answered by the end of its index, however many frames it has.
    last = select(func.max(frame.c.elapsed_s)).where(frame.c.field_id == field.c.field_id).scalar_subquery()
    found = connection.execute(select(last).where(field.c.run_id == run.run_id)).scalars()
    return max((last_s for last_s in found if last_s is not None), default=0.0)
