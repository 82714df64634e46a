"""`SqlTrailStore`: the trail store in SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from monitor.errors import StoreError
from monitor.records.result import FrameResult
from monitor.records.run import Run, RunChange, RunStart
from monitor.store.failures import explain
from monitor.store.frame_rows import append_frame
from monitor.store.location import locate
from monitor.store.runs import change_run, find_open_run, open_run
from monitor.store.stored_fields import read_field
from monitor.store.trail_store import WHOLE_HISTORY, HistoryWanted, StoredField
from monitor.store.writing_connection import WritingConnection

Answer = TypeVar("Answer")


class SqlTrailStore:
    """Implements `TrailStore` over SQLAlchemy; one transaction per call."""

    def __init__(self, database: str, synchronous: str = "FULL") -> None:
        """Open or make the store at `database` (URL, or path of an SQLite file) and take the writer's lock.

        `synchronous` is SQLite's: FULL survives a power cut, NORMAL may lose the last frames in one.
        """
        self._location = locate(database)
        self._writing = WritingConnection(self._location, synchronous)

    def start_run(self, start: RunStart) -> Run:
        """See `TrailStore`."""
        return self._in_transaction(
            lambda connection: open_run(connection, start), f"starting run {start.name!r} in"
        )

    def resume_run(self) -> Run | None:
        """See `TrailStore`."""
        return self._in_transaction(find_open_run, "reading")

    def load_field(self, run: Run, field: str, history: HistoryWanted = WHOLE_HISTORY) -> StoredField:
        """See `TrailStore`."""
        return self._in_transaction(
            lambda connection: read_field(connection, run.run_id, field, history),
            f"reading field {field!r} from",
        )

    def append(self, run: Run, result: FrameResult) -> bool:
        """See `TrailStore`."""
        doing = f"writing frame {result.frame_index} of field {result.field!r} to"
        return self._in_transaction(lambda connection: append_frame(connection, run, result), doing)

    def record(self, run: Run, change: RunChange) -> Run:
        """See `TrailStore`."""
        return self._in_transaction(lambda connection: change_run(connection, run, change), "writing to")

    def close(self) -> None:
        """See `TrailStore`."""
        self._writing.close()

    def _in_transaction(self, work: Callable[[Connection], Answer], doing: str) -> Answer:
        try:
            connection = self._writing.get()
            with connection.begin():
                return work(connection)
        except DBAPIError as error:
            raise StoreError(explain(error, self._location, doing)) from error


def open_store(database: str, synchronous: str = "FULL") -> SqlTrailStore:
    """Open the trail store for writing; raises `StoreUnusableError` (exit code 2) with the remedy."""
    return SqlTrailStore(database, synchronous)
