"""Whether a frame from a file was considered before: a folder is taken again when its grabber starts again."""

from __future__ import annotations

from sqlalchemy import Connection, Select, bindparam, select, text

from monitor.frame import FailedFrame, Frame
from monitor.records.run import Run
from monitor.store.bulk import execute_row
from monitor.store.tables import field, frame, grabber_session


def _file_of_another_session(condition: str) -> Select[int]:
    """The frame's row in this run, from a session other than the frame's; `condition` has the name `like`."""
    return (
        select(frame.c.frame_id)
        .join(field, field.c.field_id == frame.c.field_id)
        .join(grabber_session, grabber_session.c.session_id == frame.c.session_id)
        .where(
            field.c.run_id == bindparam("in_run"),
            field.c.name == bindparam("of_field"),
            frame.c.source_name == bindparam("from_file"),
            grabber_session.c.session != bindparam("of_session"),
            text(condition),
        )
    )


_NAMES = ("in_run", "of_field", "from_file", "of_session", "alike")
# What the engine failed at was not analysed: if it is still in time, it may be now.
_IMAGE = _file_of_another_session("frame.elapsed_s = :alike AND frame.status <> 'failed'")
# What cannot be read need not have a time of its own: that of its neighbour may be another each time.
_FAILURE = _file_of_another_session("frame.status = 'failed' AND frame.reason = :alike")


def was_considered(connection: Connection, run: Run, item: Frame | FailedFrame) -> bool:
    """Whether an earlier session of the run brought the same file, of the same time, or failing in the same way."""
    place = (run.run_id, item.field, item.source_name, item.session)
    if isinstance(item, FailedFrame):
        return bool(execute_row(connection, _FAILURE, _NAMES, (*place, item.cause.value)))
    return bool(execute_row(connection, _IMAGE, _NAMES, (*place, run.elapsed_s(item.captured))))
