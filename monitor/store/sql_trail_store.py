"""`SqlTrailStore`: the trail store in SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from monitor.clock import Clock
from monitor.errors import StoreError
from monitor.records.delivery import Subscription
from monitor.records.result import FrameResult
from monitor.records.run import Run, RunChange, RunStart, SilenceObserved
from monitor.store.failures import explain
from monitor.store.frame_rows import append_frame
from monitor.store.location import locate
from monitor.store.outbox import Outbox
from monitor.store.outbox_queue import Flood
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
        self._outbox: Outbox | None = None

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

        def work(connection: Connection) -> bool:
            new = append_frame(connection, run, result)
            self._post(connection, run, any_new=bool(result.alerts))
            return new

        new = self._in_transaction(work, f"writing frame {result.frame_index} of field {result.field!r} to")
        if self._outbox is not None:
            self._outbox.committed()
        return new

    def record(self, run: Run, change: RunChange) -> Run:
        """See `TrailStore`."""

        def work(connection: Connection) -> Run:
            changed = change_run(connection, run, change)
            self._post(connection, run, any_new=isinstance(change, SilenceObserved) and bool(change.alerts))
            return changed

        changed = self._in_transaction(work, "writing to")
        if self._outbox is not None:
            self._outbox.committed()
        return changed

    def open_outbox(
        self, clock: Clock, station: str, subscriptions: Sequence[Subscription], flood: Flood
    ) -> tuple[Outbox, list[str]]:
        """The outbox: from now on alerts are queued for these sinks, in the transaction that writes them.

        Also the names of sinks that are no longer among them although alerts waited for them: those are closed.
        """
        outbox = Outbox(self._in_transaction, clock, station, subscriptions, flood)
        open_run = self.resume_run()
        gone = outbox.take_over(
            open_run.run_id if open_run is not None else None, alone=self._location.path is not None
        )
        self._outbox = outbox
        return outbox, gone

    def close(self) -> None:
        """See `TrailStore`."""
        self._writing.close()

    def _post(self, connection: Connection, run: Run, *, any_new: bool) -> None:
        """In the same transaction: new alerts into the outbox, and what became of older ones."""
        if self._outbox is not None:
            if any_new:
                self._outbox.queue(connection, run.run_id)
            self._outbox.write_staged(connection, run)

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
