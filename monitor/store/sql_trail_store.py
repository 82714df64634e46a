"""`SqlTrailStore`: the trail store in SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import TypeVar, cast, overload

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from monitor.clock import Clock, Instant
from monitor.errors import StoreError
from monitor.frame import FailedFrame, Frame
from monitor.records.audit import OF_THE_PROCESS, Attribution, AuditEntry
from monitor.records.delivery import Subscription
from monitor.records.result import FrameResult
from monitor.records.run import (
    EventAcknowledged,
    Run,
    RunChange,
    RunStart,
    SilenceObserved,
    StorageObserved,
)
from monitor.settings.retention import RetentionSettings
from monitor.store.audit import write_audit
from monitor.store.commit_in_doubt import CommitInDoubt, Outcome, before_commit, outcome
from monitor.store.considered import was_considered
from monitor.store.failures import explain
from monitor.store.frame_rows import append_frame
from monitor.store.location import locate
from monitor.store.outbox import Outbox
from monitor.store.outbox_queue import Flood
from monitor.store.runs import acknowledge, change_run, find_open_run, open_run
from monitor.store.stored_fields import read_field
from monitor.store.tidying import Tidied, tidy
from monitor.store.trail_store import WHOLE_HISTORY, HistoryWanted, StoredField
from monitor.store.writing_connection import CHECK_WITHIN_S, WritingConnection

Answer = TypeVar("Answer")

DEFAULT_STATION = "station"
"""What the settings call a station that was given no name."""


class SqlTrailStore:
    """Implements `TrailStore` over SQLAlchemy; one transaction per call."""

    def __init__(
        self,
        database: str,
        synchronous: str = "FULL",
        station: str = DEFAULT_STATION,
        *,
        allow_network_share: bool = False,
        check_within_s: float = CHECK_WITHIN_S,
    ) -> None:
        """Open or make the store at `database` (URL, or path of an SQLite file) and take the writer's lock.

        `synchronous` is SQLite's: FULL survives a power cut, NORMAL may lose the last frames in one. `station` stands
        in the rows of the runs that it starts; in PostgreSQL, which many stations share, it is also whose lock is taken
        and whose open run is resumed. An SQLite file belongs to one station, whatever its name was. The others as in
        `StorageSettings`: whether an SQLite file may lie on a network share, and for how long it is checked after an
        unclean end, seconds.
        """
        self._location = locate(database)
        self._station = station
        self._sharing = None if self._location.path is not None else station
        self._doubt: CommitInDoubt | None = None
        self._writing = WritingConnection(
            self._location,
            synchronous,
            station,
            allow_network_share=allow_network_share,
            check_within_s=check_within_s,
        )
        self._outbox: Outbox | None = None

    def start_run(self, start: RunStart, by: Attribution = OF_THE_PROCESS) -> Run:
        """See `TrailStore`."""
        return self._write(
            (start,),
            lambda connection: open_run(connection, start, self._station, self._sharing, by),
            f"starting run {start.name!r} in",
        )

    def resume_run(self) -> Run | None:
        """See `TrailStore`."""
        return self._in_transaction(lambda connection: find_open_run(connection, self._sharing), "reading")

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

        frame = (result.session, result.frame_index, result.field)
        doing = f"writing frame {result.frame_index} of field {result.field!r} to"
        new = self._write((run.run_id, frame), work, doing)
        if self._outbox is not None:
            self._outbox.committed()
        return new

    @overload
    def record(self, run: Run, change: RunChange, by: Attribution = OF_THE_PROCESS) -> Run: ...

    @overload
    def record(
        self, run: Run | None, change: EventAcknowledged, by: Attribution = OF_THE_PROCESS
    ) -> Run | None: ...

    def record(self, run: Run | None, change: RunChange, by: Attribution = OF_THE_PROCESS) -> Run | None:
        """See `TrailStore`."""

        def work(connection: Connection) -> Run | None:
            changed = run
            if isinstance(change, EventAcknowledged):
                acknowledge(connection, change, by, self._sharing)
            else:
                assert run is not None, "all else happens to a run"
                changed = change_run(connection, run, change, by)
            any_new = isinstance(change, SilenceObserved | StorageObserved) and bool(change.alerts)
            self._post(connection, run, any_new=any_new)
            return changed

        changed = self._write((run, change), work, "writing to")
        if self._outbox is not None:
            self._outbox.committed()
        return changed

    def was_considered(self, run: Run, item: Frame | FailedFrame) -> bool:
        """Whether an earlier session of the run brought this file already. Raises `StoreError`.

        False for frames that come from no file, without a question: a camera gives no picture twice.
        """
        if not item.source_name:
            return False
        return self._in_transaction(
            lambda connection: was_considered(connection, run, item), "looking for a frame in"
        )

    def open_outbox(
        self, clock: Clock, station: str, subscriptions: Sequence[Subscription], flood: Flood
    ) -> tuple[Outbox, list[str]]:
        """The outbox: from now on alerts are queued for these sinks, in the transaction that writes them.

        Also the names of sinks that are no longer among them although alerts waited for them: those are closed.
        """
        outbox = Outbox(self._in_transaction, self._write, clock, station, subscriptions, flood)
        open_run = self.resume_run()
        gone = outbox.take_over(
            open_run.run_id if open_run is not None else None, alone=self._location.path is not None
        )
        self._outbox = outbox
        return outbox, gone

    def enter(self, entry: AuditEntry) -> None:
        """Add a row to the audit trail, for a deed that writes nothing else. Raises `StoreError`."""
        self._write((entry,), lambda connection: write_audit(connection, entry), "writing the audit trail of")

    def tidy(
        self, wanted: RetentionSettings, now: Instant, *, dry_run: bool = False
    ) -> Iterator[Tidied | None]:
        """Thin and remove what retention says, slice by slice: see `tidying.tidy`. Frames may be appended between."""
        return tidy(self._in_transaction, wanted, now, self._sharing, dry_run=dry_run)

    def close(self) -> None:
        """See `TrailStore`."""
        self._writing.close()

    def _post(self, connection: Connection, run: Run | None, *, any_new: bool) -> None:
        """In the same transaction: new alerts into the outbox, and what became of older ones."""
        if self._outbox is not None:
            if any_new and run is not None:
                self._outbox.queue(connection, run.run_id)
            self._outbox.write_staged(connection, run)

    def _write(self, call: object, work: Callable[[Connection], Answer], doing: str) -> Answer:
        """Do the work in a transaction, unless it is the very call whose commit was in doubt, and was made."""
        doubt = self._doubt
        if doubt is not None:
            became = self._in_transaction(lambda connection: outcome(connection, doubt), doing)
            if became is Outcome.OPEN:
                raise StoreError(
                    f"{doing} the trail store {self._location.shown} waits: whether the last write was committed when "
                    "the connection broke is not known yet; the server is asked again"
                )
            self._doubt = None
            if became is Outcome.COMMITTED and doubt.call == call:
                return cast("Answer", doubt.answer)

        def work_and_remember(connection: Connection) -> Answer:
            answer = work(connection)
            self._doubt = before_commit(connection, call, answer)
            return answer

        try:
            answer = self._in_transaction(work_and_remember, doing)
        except StoreError as error:
            if isinstance(error.__cause__, DBAPIError) and not error.__cause__.connection_invalidated:
                self._doubt = None  # the server lives and has refused: nothing of it was committed
            raise
        self._doubt = None
        return answer

    def _in_transaction(
        self, work: Callable[[Connection], Answer], doing: str, *, check_references: bool = True
    ) -> Answer:
        try:
            connection = self._writing.get()
            with (
                nullcontext() if check_references else self._writing.references_unchecked(),
                connection.begin(),
            ):
                answer = work(connection)
            self._writing.committed()
            return answer
        except DBAPIError as error:
            raise StoreError(explain(error, self._location, doing)) from error


def open_store(
    database: str,
    synchronous: str = "FULL",
    station: str = DEFAULT_STATION,
    *,
    allow_network_share: bool = False,
    check_within_s: float = CHECK_WITHIN_S,
) -> SqlTrailStore:
    """Open the trail store for writing; raises `StoreUnusableError` (exit code 2) with the remedy."""
    return SqlTrailStore(
        database,
        synchronous,
        station,
        allow_network_share=allow_network_share,
        check_within_s=check_within_s,
    )
