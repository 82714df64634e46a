"""A courier: the thread that brings one sink its parcels, in order, until each is taken."""

from __future__ import annotations

import heapq
import logging
import queue
import random
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from monitor.alerts.backoff import Backoff
from monitor.alerts.sinks.failure import AlertRefusedError, AlertSinkError
from monitor.alerts.sinks.sink import AlertSink, FieldStateSink
from monitor.alerts.summary import as_one
from monitor.clock import Clock, Instant, waited_s
from monitor.records import AlertNotice
from monitor.records.alert import FieldNow
from monitor.records.delivery import DeliveryAttempt, Parcel
from monitor.records.vocabulary import DeliveryState

log = logging.getLogger(__name__)

REFUSALS = 3
"""A message that was refused so often is given up."""
LEAST_ATTEMPTS = 5
"""For its age no message is given up that was tried less often."""

Picture = Callable[[AlertNotice], bytes | None]


@dataclass(frozen=True, slots=True)
class CourierOrders:
    """How a courier works."""

    backoff: Backoff
    """Between attempts that failed."""
    give_up_after_s: float
    """A parcel that has waited for so long, in a time in which the sink took nothing, is given up, seconds."""
    picture: Picture | None = None
    """Makes the picture of a notice, in the courier's thread; None where the sink wants none."""


class Courier:
    """Owns a thread and a sink. Its methods never block; what came of parcels goes into `attempts`.

    A parcel that failed is tried again before any later one, so the order of alerts is kept. An error that is no
    `AlertSinkError` or OSError is a fault in the sink: the thread ends with its trace on stderr, and `revive` starts
    another.
    """

    def __init__(
        self,
        name: str,
        sink: AlertSink,
        orders: CourierOrders,
        clock: Clock,
        attempts: queue.SimpleQueue[DeliveryAttempt],
        chance: random.Random | None = None,
    ) -> None:
        """The thread starts with the first parcel."""
        self.name = name
        self._sink = sink
        self._orders = orders
        self._clock = clock
        self._attempts = attempts
        self._chance = chance or random.Random()
        self._changed = threading.Condition()
        self._waiting: list[tuple[int, Parcel]] = []
        self._in_hand: Parcel | None = None
        self._showing: dict[str, FieldNow] = {}
        self._failures = 0
        self._refusals = 0
        self._failing_since: Instant | None = None
        self._not_before: Instant | None = None
        self._stopping = False
        self._abandoned = False
        self._idle = True
        self._died: BaseException | None = None
        self._thread: threading.Thread | None = None

    def offer(self, parcels: Iterable[Parcel]) -> None:
        """Take these on, behind those that come before them."""
        with self._changed:
            for parcel in parcels:
                heapq.heappush(self._waiting, (parcel.delivery_ids[0], parcel))
            self._wake()

    def show(self, now: FieldNow) -> None:
        """Let the sink show how a field is, if it can; only the newest of each field counts."""
        if isinstance(self._sink, FieldStateSink):
            with self._changed:
                self._showing[now.field] = now
                self._wake()

    def revive(self) -> None:
        """Start another thread in place of one that a fault in the sink ended; that was a failed attempt."""
        if self._died is None:
            return
        with self._changed:
            thread, died = self._thread, self._died
            if self._stopping or died is None or (thread is not None and thread.is_alive()):
                return
            self._died = None
            error = AlertSinkError(f"a fault in the sink: {type(died).__name__}: {died}")
            parcel, self._in_hand = self._in_hand, None
            if parcel is not None:
                self._failed(parcel, error)
            else:
                self._put_off(error)
            self._thread = None
            self._wake()

    def stop(self) -> None:
        """Bring what can be brought at once, close the sink, end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False where the sink hangs: its thread is left behind, and ends with the process."""
        if self._thread is None:
            self._sink.close()
            return True
        self._thread.join(max(timeout_s, 0.0))
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()
        return not self._thread.is_alive()

    @property
    def idle(self) -> bool:
        """Whether nothing is to be done now."""
        with self._changed:
            return self._in_hand is None and (not self._waiting or self._wait_s() > 0)

    def _wake(self) -> None:
        if self._thread is None and not self._stopping:
            self._thread = threading.Thread(target=self._work, name=f"alert-{self.name}", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _work(self) -> None:
        try:
            while True:
                task = self._next()
                if task is None:
                    break
                if isinstance(task, FieldNow):
                    self._bring_state(task)
                else:
                    self._bring(task)
            self._sink.close()
        finally:
            self._died = sys.exception()

    def _next(self) -> Parcel | FieldNow | None:
        """What is to be done now; waits for it. None: the end."""
        with self._changed:
            while True:
                if self._abandoned:
                    return None
                wait_s = self._wait_s()
                if wait_s <= 0 and self._waiting:
                    self._in_hand = heapq.heappop(self._waiting)[1]
                    return self._in_hand
                if wait_s <= 0 and self._showing:
                    return self._showing.pop(next(iter(self._showing)))
                if self._stopping:
                    return None
                self._changed.wait(wait_s if wait_s > 0 and (self._waiting or self._showing) else None)

    def _wait_s(self) -> float:
        return 0.0 if self._not_before is None else self._not_before.seconds_since(self._clock.now())

    def _bring(self, parcel: Parcel) -> None:
        notice = as_one(parcel.notices)
        if self._orders.picture is not None and notice.alert.raised:
            notice = replace(notice, picture=self._orders.picture(notice))
        try:
            self._sink.send(notice)
        except (AlertSinkError, OSError) as error:
            with self._changed:
                self._in_hand = None
                self._failed(parcel, error)
            return
        with self._changed:
            self._in_hand = None
            if self._failures:
                log.info("alerts reach sink %s again", self.name)
            self._failures = self._refusals = 0
            self._not_before = self._failing_since = None
            self._report(parcel, DeliveryState.SENT)

    def _bring_state(self, now: FieldNow) -> None:
        assert isinstance(self._sink, FieldStateSink)
        try:
            self._sink.show(now)
        except (AlertSinkError, OSError) as error:
            with self._changed:
                self._showing.setdefault(now.field, now)
                self._put_off(error)

    def _failed(self, parcel: Parcel, error: AlertSinkError | OSError) -> None:
        refused = isinstance(error, AlertRefusedError)
        self._refusals = self._refusals + 1 if refused else 0
        surely_s = self._surely_waited_s(parcel)
        if self._refusals >= REFUSALS:
            self._refusals = 0
            self._give_up(parcel, f"refused {REFUSALS} times: {error}")
        elif surely_s >= self._orders.give_up_after_s and parcel.attempts + 1 >= LEAST_ATTEMPTS:
            self._give_up(parcel, f"not taken for {surely_s:.0f} s: {error}")
        else:
            self._put_off(error)
            again = replace(parcel, attempts=parcel.attempts + 1)
            heapq.heappush(self._waiting, (again.delivery_ids[0], again))
            self._report(parcel, DeliveryState.PENDING, str(error))

    def _surely_waited_s(self, parcel: Parcel) -> float:
        """For how long it surely waited, seconds: not before the sink was seen to fail, on a clock nobody sets.

        Its age by UTC, all that is left of it after a boot, may be years where a clock without a battery was set right.
        """
        now = self._clock.now()
        if self._failing_since is None:
            self._failing_since = now
        return min(waited_s(parcel.queued, now), now.seconds_since(self._failing_since))

    def _give_up(self, parcel: Parcel, why: str) -> None:
        log.error("alert %d is given up for sink %s: %s", parcel.notices[0].event_id, self.name, why)
        self._report(parcel, DeliveryState.GIVEN_UP, why)

    def _put_off(self, error: AlertSinkError | OSError) -> None:
        self._failures += 1
        asked_s = error.retry_after_s if isinstance(error, AlertSinkError) else None
        wait_s = self._orders.backoff.wait_s(self._failures, self._chance, asked_s)
        self._not_before = self._clock.now().after(wait_s)
        if self._failures == 1:
            log.warning("alerts do not reach sink %s, they are kept and sent again: %s", self.name, error)

    def _report(self, parcel: Parcel, state: DeliveryState, error: str = "") -> None:
        next_at = self._not_before if state is DeliveryState.PENDING else None
        attempts = parcel.attempts + 1
        self._attempts.put(DeliveryAttempt(parcel, state, self._clock.now(), attempts, next_at, error))
