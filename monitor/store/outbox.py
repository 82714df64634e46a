"""`Outbox`: alerts on their way to the sinks, in the trail store and by its one writer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection, text

from monitor.clock import Clock, Instant
from monitor.records.alert import Alert
from monitor.records.delivery import Arrears, DeliveryAttempt, Parcel, Subscription
from monitor.records.result import Event
from monitor.records.run import Run
from monitor.records.vocabulary import DeliveryState, EventKind
from monitor.store.field_rows import insert_events
from monitor.store.frame_events import EventRow
from monitor.store.muting import LATEST_MUTING, read_muting
from monitor.store.outbox_queue import Flood, queue_alerts, queue_reminders
from monitor.store.outbox_rows import (
    adopt_station,
    arrears,
    close_acknowledged_reminders,
    close_others,
    close_summaries,
    due_parcels,
    next_due,
    sinks_in_arrears,
    write_attempts,
)
from monitor.store.run_time import run_time_s

Answer = TypeVar("Answer")

WRITE_WITHIN_S = 1.0
"""What became of parcels waits for the next frame's commit for at most so long, seconds."""


class Transact(Protocol):
    """Runs work in one transaction of the store; raises StoreError."""

    def __call__(self, work: Callable[[Connection], Answer], doing: str) -> Answer:
        """The work's answer; `doing` says what for, in a message of failure."""


class Write(Protocol):
    """As `Transact`, for what must not be written twice: a commit that is in doubt is settled first."""

    def __call__(self, call: object, work: Callable[[Connection], Answer], doing: str) -> Answer:
        """The work's answer, or the one it had where `call` equals the one whose commit was in doubt, and was made."""


class Outbox:
    """Queues every alert for every sink in the alert's own transaction, and remembers what became of it.

    Thread: the store's writer's alone. What became of parcels is written with the next frame's commit, or within a
    second by `exchange`. Failures: StoreError, after which the same call may be repeated.
    """

    def __init__(
        self,
        transact: Transact,
        write: Write,
        clock: Clock,
        station: str,
        subscriptions: Sequence[Subscription],
        flood: Flood,
    ) -> None:
        """From now on every new alert is queued for these sinks. See `SqlTrailStore.open_outbox`."""
        self._transact = transact
        self._write = write
        self._clock = clock
        self.station = station
        """The station's name."""
        self._subscriptions = tuple(subscriptions)
        self._flood = flood
        self._staged: list[DeliveryAttempt] = []
        self._written = 0
        self._staged_since: Instant | None = None
        self._next_due: Instant | None = None
        self._unread = True

    def take_over(self, run_id: int | None, *, alone: bool) -> list[str]:
        """At a start: close what waits for sinks that are gone (their names are the answer), queue what was not yet.

        `alone`: no other station writes to this store, so that what waits under another name is this one's.
        """

        def work(connection: Connection) -> list[str]:
            if alone:
                adopt_station(connection, self.station)
            names = [one.sink for one in self._subscriptions]
            gone = close_others(connection, self.station, names, "the sink is no longer in the settings")
            if run_id is not None:
                self.queue(connection, run_id)
            return gone

        return self._transact(work, "opening the outbox in")

    def queue(self, connection: Connection, run_id: int) -> None:
        """In the store's transaction: put the run's new alerts in."""
        now = self._clock.now()
        due = queue_alerts(connection, run_id, self.station, self._subscriptions, self._flood, now)
        if due is not None:
            self._unread = True

    def write_staged(self, connection: Connection, run: Run | None) -> None:
        """In the store's transaction: what became of parcels. `committed` follows, if it is committed.

        What was given up stands in the events of `run`, the open one.
        """
        written = write_attempts(connection, self._staged)
        given_up = [one for one in written if one.state is DeliveryState.GIVEN_UP]
        if run is not None and given_up:
            at = given_up[-1].at
            rows = [EventRow(_undelivered(attempt)) for attempt in given_up]
            insert_events(connection, run.run_id, None, at, run_time_s(connection, run, at), rows)
        self._written = len(self._staged)

    def committed(self) -> None:
        """The transaction that `write_staged` was called in is in the database."""
        if any(len(one.parcel.delivery_ids) > 1 for one in self._staged[: self._written]):
            self._unread = True  # of a very long summary the rest is due now
        del self._staged[: self._written]
        self._written = 0
        if not self._staged:
            self._staged_since = None

    def stage(self, attempts: Sequence[DeliveryAttempt]) -> None:
        """Remember what became of parcels, for the next commit."""
        if attempts and self._staged_since is None:
            self._staged_since = self._clock.now()
        self._staged += attempts

    @property
    def wants_exchange(self) -> bool:
        """Whether there is something to write or to give out: costs nothing to ask."""
        now = self._clock.now()
        waited = self._staged_since is not None and now.seconds_since(self._staged_since) >= WRITE_WITHIN_S
        return (
            self._unread or waited or (self._next_due is not None and now.seconds_since(self._next_due) >= 0)
        )

    def exchange(
        self, run: Run | None, in_hand: Mapping[str, Collection[int]], most: int
    ) -> dict[str, list[Parcel]]:
        """Write what was staged; what is due now, by sink and in order.

        Args:
            run: the open run; what was given up stands in its events.
            in_hand: by sink, the first rows of the parcels that it was given and has not brought to an end.
            most: so many parcels may be in a sink's hands.
        """

        def work(connection: Connection) -> tuple[dict[str, list[Parcel]], Instant | None]:
            self.write_staged(connection, run)
            now = self._clock.now()
            due = {
                sink: due_parcels(connection, self.station, sink, now, held, most - len(held))
                for sink, held in in_hand.items()
                if len(held) < most
            }
            for parcels in due.values():
                close_summaries(connection, self.station, parcels)
            then = next_due(connection, self.station, now)
            return due, None if then is None else now.after((then - now.utc).total_seconds())

        # A call of its own each time: done again after a commit in doubt it finds what it wrote, and leaves it.
        due, self._next_due = self._write(object(), work, "reading and writing the outbox of")
        self.committed()
        self._unread = False
        return due

    def read_again(self) -> None:
        """A sink that was given as many parcels as it may hold has room again."""
        self._unread = True

    def tell(self, run: Run, alert: Alert) -> None:
        """Store an alert about a sink, and queue it; nothing where the run's last one about it says the same."""
        now = self._clock.now()

        def work(connection: Connection) -> None:
            if sinks_in_arrears(connection, run.run_id).get(alert.rule, False) is alert.raised:
                return  # told by a commit that was not answered
            kind = EventKind.ALERT_RAISED if alert.raised else EventKind.ALERT_CLEARED
            row = EventRow(Event(kind, alert.message, None, alert.value), alert)
            insert_events(connection, run.run_id, None, now, run_time_s(connection, run, now), [row])
            self.queue(connection, run.run_id)

        self._write(object(), work, "writing an alert to")

    def arrears(self, after_s: float) -> list[Arrears]:
        """Per sink what has waited for more than so many seconds."""
        now = self._clock.now()
        return self._transact(
            lambda connection: arrears(connection, self.station, now, after_s), "reading the outbox of"
        )

    def told_of(self, run: Run) -> dict[str, bool]:
        """By the rule's name (`sink_rule`): whether the run's last alert about a sink was raised or cleared."""
        return self._transact(
            lambda connection: sinks_in_arrears(connection, run.run_id), "reading the alerts of"
        )

    def remind(self, run: Run, every_s: float) -> None:
        """Queue reminders of the critical alerts that hold and that nobody acknowledged, unless alerts are muted."""

        def work(connection: Connection) -> None:
            now = self._clock.now()
            close_acknowledged_reminders(connection, self.station)
            own = "AND r.station = (SELECT o.station FROM run o WHERE o.run_id = :run_id) "
            asked = text(LATEST_MUTING.format(of_station=own))
            muting = connection.execute(asked, {"run_id": run.run_id}).scalar()
            if muting is not None and read_muting(muting).seconds_since(now) > 0:
                return
            if queue_reminders(connection, run.run_id, self.station, self._subscriptions, every_s, now):
                self._unread = True

        self._transact(work, "writing reminders to")


def _undelivered(attempt: DeliveryAttempt) -> Event:
    first = attempt.parcel.notices[0]
    message = f"alert {first.event_id} ({first.alert.rule}) will not reach sink {attempt.parcel.sink}: {attempt.error}"
    return Event(EventKind.ALERT_UNDELIVERED, message)
