"""`AlertPost`: all couriers, for the thread that owns the outbox."""

from __future__ import annotations

import queue
import random
from collections.abc import Mapping, Sequence

from monitor.alerts.sinks.courier import Courier, CourierOrders
from monitor.alerts.sinks.sink import AlertSink, FieldStateSink
from monitor.clock import Clock
from monitor.records.alert import FieldNow
from monitor.records.delivery import DeliveryAttempt, Parcel
from monitor.records.vocabulary import DeliveryState


class AlertPost:
    """Gives parcels to couriers and gathers what came of them. Called from one thread; nothing here blocks but `close`.

    What a sink holds is remembered from `offer` until `collect` tells its end, so that nobody gives it twice.
    """

    def __init__(
        self,
        sinks: Mapping[str, tuple[AlertSink, CourierOrders]],
        clock: Clock,
        chance: random.Random | None = None,
    ) -> None:
        """`sinks` by name, each with how it is served; `chance` is for the jitter of retries."""
        self._clock = clock
        self._attempts: queue.SimpleQueue[DeliveryAttempt] = queue.SimpleQueue()
        self._couriers = {
            name: Courier(name, sink, orders, clock, self._attempts, chance)
            for name, (sink, orders) in sinks.items()
        }
        self._in_hand: dict[str, set[int]] = {name: set() for name in sinks}
        self.shows = any(isinstance(sink, FieldStateSink) for sink, _ in sinks.values())
        """Whether any sink can show how a field is."""

    @property
    def in_hand(self) -> Mapping[str, set[int]]:
        """By sink, the first rows of the parcels that it was given and that have not come to an end."""
        return self._in_hand

    def offer(self, parcels: Mapping[str, Sequence[Parcel]]) -> None:
        """Give each sink its parcels."""
        for name, its in parcels.items():
            if its:
                self._in_hand[name] |= {parcel.delivery_ids[0] for parcel in its}
                self._couriers[name].offer(its)

    def show(self, now: FieldNow) -> None:
        """Let the sinks that can show how a field is."""
        for courier in self._couriers.values():
            courier.show(now)

    def collect(self) -> list[DeliveryAttempt]:
        """What came of parcels since the last time."""
        for courier in self._couriers.values():
            courier.revive()
        found = []
        while not self._attempts.empty():
            attempt = self._attempts.get_nowait()
            if attempt.state is not DeliveryState.PENDING:
                self._in_hand[attempt.parcel.sink].discard(attempt.parcel.delivery_ids[0])
            found.append(attempt)
        return found

    def close(self, timeout_s: float) -> list[str]:
        """Bring what can be brought, close the sinks; the names of those that hang. Takes at most `timeout_s` seconds.

        `collect` has the last results.
        """
        end = self._clock.now().after(timeout_s)
        for courier in self._couriers.values():
            courier.stop()
        return [
            name
            for name, courier in self._couriers.items()
            if not courier.join(end.seconds_since(self._clock.now()))
        ]
