"""A store with its outbox and a clock that a test sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import count
from typing import Any

from monitor.clock import Instant
from monitor.records import Alert, AlertKind
from monitor.records.delivery import DeliveryAttempt, Parcel, Subscription
from monitor.records.run import Run
from monitor.records.vocabulary import DeliveryState
from monitor.store import Flood, Outbox, SqlTrailStore, TrailReader, open_store
from tests import trail_results as made

NO_FLOOD = Flood(0, 60.0)
CHAT, LOG = Subscription("chat", summarise=True), Subscription("log", summarise=False)


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at_s = 0.0
        self.set_by_s = 0.0
        """By how much UTC was set meanwhile, which CLOCK_BOOTTIME does not notice."""

        self.boot_id = "boot"

    def now(self) -> Instant:
        utc = Instant(1_795_000_000_000_000_000).after(self.at_s + self.set_by_s)
        return Instant(utc.utc_ns, round(self.at_s * 1e9), self.boot_id)

    def sleep(self, seconds: float) -> None:
        self.at_s += seconds


class Station:
    """A store with its outbox, as the analysis has them; `restart` opens both anew."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.clock = SetClock()
        self.gone: list[str] = []
        self.held: dict[str, set[int]] = {}
        self.frames = count()
        self.store: SqlTrailStore | None = None

    def restart(self, *sinks: Subscription, flood: Flood = NO_FLOOD, station: str = "plate-7") -> None:
        if self.store is not None:
            self.store.close()
        self.store = open_store(self.database)
        self.outbox: Outbox
        self.outbox, self.gone = self.store.open_outbox(self.clock, station, sinks, flood)
        self.held = {one.sink: set() for one in sinks}
        self.run: Run = self.store.resume_run() or self.store.start_run(made.run_start())

    def frame(self, *alerts: Alert, field: str = "main") -> int:
        assert self.store is not None
        index = next(self.frames)
        result = made.result(index, alerts=alerts)
        assert self.store.append(self.run, dataclasses.replace(result, field=field, session=f"{field:_<32}"))
        return index

    def give_out(self, most: int = 100) -> dict[str, list[Parcel]]:
        given = self.outbox.exchange(self.run, self.held, most)
        for sink, parcels in given.items():
            self.held[sink] |= {parcel.delivery_ids[0] for parcel in parcels}
        return given

    def ends(self, parcel: Parcel, state: DeliveryState = DeliveryState.SENT, error: str = "") -> None:
        again = self.clock.now().after(8) if state is DeliveryState.PENDING else None
        attempt = DeliveryAttempt(parcel, state, self.clock.now(), parcel.attempts + 1, again, error)
        self.outbox.stage([attempt])
        if state is not DeliveryState.PENDING:
            self.held[parcel.sink].discard(parcel.delivery_ids[0])

    def log(self, **equal: str | int) -> list[dict[str, Any]]:
        with TrailReader(self.database) as reader:
            return list(reader.view("delivery_log", **equal).records())

    def events(self, **equal: str | int) -> list[dict[str, Any]]:
        with TrailReader(self.database) as reader:
            return list(reader.view("event_log", **equal).records())


def alert(rule: str = "too many", *, raised: bool = True, value: float = 7.0, **changes: Any) -> Alert:
    message = f"{value:.0f} crystals in view (alert above 5)"
    return Alert(rule, AlertKind.COUNT, raised, message, value, 5.0, **changes)


def messages(parcels: Sequence[Parcel]) -> list[tuple[str, bool]]:
    return [(notice.alert.rule, notice.alert.raised) for parcel in parcels for notice in parcel.notices]
