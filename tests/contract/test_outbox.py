"""The outbox in SQLite and PostgreSQL: alerts are queued in their own transaction, given out in order, until sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest

from monitor.clock import Instant
from monitor.errors import StoreError
from monitor.records import Alert, AlertKind, RunState
from monitor.records.delivery import DeliveryAttempt, Parcel, Subscription, sink_rule
from monitor.records.run import AlertsMuted, EventAcknowledged, Run, RunEnded, SilenceObserved
from monitor.records.vocabulary import DeliveryState, Severity
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


@pytest.fixture
def station(database: str) -> Iterator[Station]:
    made_here = Station(database)
    made_here.restart(CHAT, LOG)
    yield made_here
    assert made_here.store is not None
    made_here.store.close()


def alert(rule: str = "too many", *, raised: bool = True, value: float = 7.0, **changes: Any) -> Alert:
    message = f"{value:.0f} crystals in view (alert above 5)"
    return Alert(rule, AlertKind.COUNT, raised, message, value, 5.0, **changes)


def messages(parcels: Sequence[Parcel]) -> list[tuple[str, bool]]:
    return [(notice.alert.rule, notice.alert.raised) for parcel in parcels for notice in parcel.notices]


def test_an_alert_is_queued_with_its_frame_for_every_sink(station: Station) -> None:
    assert not station.log(), "the control"
    station.frame()
    assert station.outbox.wants_exchange, "at a start there may be something"
    assert station.give_out() == {"chat": [], "log": []}
    assert not station.outbox.wants_exchange
    station.frame(alert(severity=Severity.CRITICAL))
    assert [(row["sink"], row["state"], row["attempts"]) for row in station.log()] == [
        ("chat", "pending", 0),
        ("log", "pending", 0),
    ]
    assert station.outbox.wants_exchange
    given = station.give_out()
    (parcel,) = given["chat"]
    (notice,) = parcel.notices
    assert notice.alert == alert(severity=Severity.CRITICAL)
    assert (notice.station, notice.run_name, notice.field) == ("plate-7", "salt", "main")
    assert notice.at.utc == made.at(1).utc
    assert notice.elapsed_s == 1.0
    assert given["log"][0].notices[0].key == notice.key, "the key is the event's, whatever the sink"
    assert station.give_out() == {"chat": [], "log": []}, "what a sink holds is not given twice"
    station.ends(parcel)
    station.frame()
    assert station.log(sink="chat")[0]["state"] == "sent", "written with the next frame"
    assert station.log(sink="log")[0]["state"] == "pending"


def test_what_was_not_sent_comes_again_after_a_restart_under_the_same_key(station: Station) -> None:
    station.frame(alert())
    station.frame(alert(raised=False))
    station.frame(alert("other"))
    first = station.give_out()
    station.ends(first["chat"][0])
    station.ends(first["chat"][1], DeliveryState.PENDING, "refused")
    station.give_out()
    failed = station.log(sink="chat")[1]
    assert (failed["state"], failed["attempts"], failed["last_error"]) == ("pending", 1, "refused")
    assert failed["next_attempt_at"] > failed["last_attempt_at"] == failed["first_attempt_at"]
    station.restart(CHAT, LOG)
    again = station.give_out()
    assert messages(again["chat"]) == [("too many", False), ("other", True)]
    assert messages(again["log"]) == [("too many", True), ("too many", False), ("other", True)]
    assert again["chat"][0].attempts == 1
    assert again["log"][0].notices == first["log"][0].notices
    keys = [parcel.notices[0].key for parcel in again["log"]]
    assert len(set(keys)) == 3


def test_a_new_sink_gets_new_alerts_alone_and_one_that_is_gone_is_closed_with_the_reason(
    station: Station,
) -> None:
    station.frame(alert())
    station.restart(LOG, Subscription("mail", summarise=True))
    assert station.gone == ["chat"]
    (closed,) = station.log(sink="chat")
    assert (closed["state"], closed["last_error"]) == ("given_up", "the sink is no longer in the settings")
    assert station.log(sink="mail") == []
    station.frame(alert(raised=False))
    given = station.give_out()
    assert messages(given["mail"]) == [("too many", False)]
    assert messages(given["log"]) == [("too many", True), ("too many", False)]
    station.restart(CHAT, LOG)
    assert station.give_out()["chat"] == [], "what was closed stays closed"


def test_alerts_of_a_time_without_outbox_are_queued_at_the_next_start(station: Station) -> None:
    assert station.store is not None
    station.store.close()
    station.store = open_store(station.database)
    station.frame(alert())
    assert station.log() == [], "the control: nobody queued it"
    station.restart(CHAT)
    assert messages(station.give_out()["chat"]) == [("too many", True)]


def test_what_waits_of_an_ended_run_is_sent_all_the_same(station: Station) -> None:
    assert station.store is not None
    station.frame(alert())
    station.store.record(station.run, RunEnded(made.at(5), "over"))
    given = station.outbox.exchange(None, station.held, 100)
    assert messages(given["chat"]) == [("too many", True)]


def test_a_silence_s_alert_is_queued_too(station: Station) -> None:
    assert station.store is not None
    station.frame()
    blind = Alert("blind", AlertKind.BLIND, True, "no good frame for 30 s", 30.0, 20.0)
    change = made.completion(RunState.BLIND, changed=True)
    silence = SilenceObserved(made.at(30), "main", change, (blind,), made.field_state("blind"))
    station.store.record(station.run, silence)
    assert messages(station.give_out()["chat"]) == [("blind", True)]


def test_a_sink_gets_no_more_than_it_may_hold(station: Station) -> None:
    for _ in range(5):
        station.frame(alert())
    given = station.give_out(most=2)["chat"]
    assert len(given) == 2
    assert station.give_out(most=2) == {}
    station.ends(given[0])
    assert [parcel.delivery_ids[0] for parcel in station.give_out(most=2)["chat"]] > [
        given[1].delivery_ids[0]
    ]


def test_a_frame_that_cannot_be_written_queues_nothing(station: Station) -> None:
    assert station.store is not None
    station.frame(alert())
    before = station.log()
    bad = dataclasses.replace(made.result(9, alerts=(alert("lost"),)), backend="nul\x00byte")
    if station.store._location.path is None:
        with pytest.raises((StoreError, ValueError)):
            station.store.append(station.run, bad)
        assert station.log() == before
    station.frame(alert("next"))
    assert [row["rule"] for row in station.log(sink="log")] == ["too many", "next"]


class TestFlood:
    FLOOD = Flood(more_than=3, within_s=60.0)

    def test_more_than_so_many_are_put_together_until_the_time_is_over(self, station: Station) -> None:
        station.restart(CHAT, LOG, flood=self.FLOOD)
        for number in range(10):
            station.clock.at_s = float(number)
            station.frame(alert(value=10.0 + number), field=f"A{number}")
        given = station.give_out()
        assert len(given["chat"]) == 3, "the first ones at once, the others wait"
        assert len(given["log"]) == 10, "not for a sink that wants each of them"
        station.clock.at_s = 62.9
        assert not station.outbox.wants_exchange
        station.clock.at_s = 63.1
        assert station.outbox.wants_exchange
        (together,) = station.give_out()["chat"]
        assert [notice.field for notice in together.notices] == [f"A{number}" for number in range(3, 10)]
        assert {notice.key for notice in together.notices[1:]} != {together.notices[0].key}
        assert together.notices[0].key.endswith(".summary")
        station.ends(together)
        station.give_out()
        assert {row["state"] for row in station.log(sink="chat")} == {"pending", "sent"}
        assert [row["state"] for row in station.log(sink="chat")][3:] == ["sent"] * 7

    def test_a_rule_s_next_alert_comes_after_its_summary(self, station: Station) -> None:
        station.restart(CHAT, flood=self.FLOOD)
        for number in range(5):
            station.frame(alert(value=float(number)))
        station.clock.at_s = 60.5
        station.frame(alert(value=99.0))
        given = station.give_out()["chat"]
        assert [[notice.alert.value for notice in parcel.notices] for parcel in given] == [
            [0.0], [1.0], [2.0], [3.0, 4.0], [99.0],
        ]  # fmt: skip

    def test_another_rule_is_not_held_back(self, station: Station) -> None:
        station.restart(CHAT, flood=self.FLOOD)
        for number in range(5):
            station.frame(alert(value=float(number)))
        station.frame(alert("blind"))
        assert messages(station.give_out()["chat"])[-1] == ("blind", True)

    def test_a_summary_outlives_a_restart_with_the_same_key(self, station: Station) -> None:
        station.restart(CHAT, flood=self.FLOOD)
        for number in range(6):
            station.frame(alert(value=float(number)))
        station.clock.at_s = 61.0
        together = station.give_out()["chat"][-1]
        station.restart(CHAT, flood=self.FLOOD)
        assert station.give_out()["chat"][-1] == together
        assert len(together.notices) == 3


class TestFloodAndAClockThatIsSet:
    FLOOD = Flood(more_than=3, within_s=60.0)

    @pytest.fixture
    def flooded(self, station: Station) -> Station:
        """Three went out, and two wait for a summary."""
        station.restart(CHAT, flood=self.FLOOD)
        for number in range(5):
            station.frame(alert(value=float(number)))
        for parcel in station.give_out()["chat"]:
            station.ends(parcel)
        assert station.give_out() == {"chat": []}, "the control: the summary is not due yet"
        return station

    def values(self, parcels: Sequence[Parcel]) -> list[list[float | None]]:
        return [[notice.alert.value for notice in parcel.notices] for parcel in parcels]

    @pytest.mark.parametrize("set_by_s", [-30.0, -631_000_000.0])
    @pytest.mark.parametrize("restarts", [False, True])
    def test_no_alert_joins_a_summary_that_is_in_a_courier_s_hands(
        self, flooded: Station, set_by_s: float, *, restarts: bool
    ) -> None:
        flooded.clock.at_s = 61.0
        (summary,) = flooded.give_out()["chat"]
        assert self.values([summary]) == [[3.0, 4.0]]
        flooded.clock.set_by_s = set_by_s
        if restarts:
            flooded.restart(CHAT, flood=self.FLOOD)
        flooded.frame(alert(value=99.0))
        again = []
        if restarts:
            again = flooded.give_out()["chat"]
            assert again[0].notices == summary.notices, "what has a key keeps its content"
        flooded.ends(summary)
        flooded.clock.at_s += 61.0
        flooded.frame()
        assert flooded.outbox.wants_exchange
        given = [*again, *flooded.give_out()["chat"]]
        (last,) = [parcel for parcel in given if parcel.delivery_ids != summary.delivery_ids]
        assert self.values([last]) == [[99.0]]
        flooded.ends(last)
        flooded.give_out()
        assert {row["state"] for row in flooded.log()} == {"sent"}

    def test_a_summary_is_not_held_back_for_years(self, flooded: Station) -> None:
        flooded.clock.set_by_s = -631_000_000.0
        flooded.clock.at_s = 30.0
        assert not flooded.outbox.wants_exchange
        flooded.clock.at_s = 61.0
        assert flooded.outbox.wants_exchange
        assert self.values(flooded.give_out()["chat"]) == [[3.0, 4.0]]


def test_what_a_very_long_summary_leaves_is_another_one(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.store.outbox_rows._LONGEST_SUMMARY", 4)
    station.restart(CHAT, flood=Flood(more_than=1, within_s=60.0))
    for number in range(11):
        station.frame(alert(value=float(number)))
    station.clock.at_s = 61.0
    first, *parcels = station.give_out()["chat"]
    assert len(first.notices) == 1
    station.ends(first)
    brought = []
    while parcels:
        (parcel,) = parcels
        brought.append([notice.alert.value for notice in parcel.notices])
        station.ends(parcel)
        station.frame()
        assert station.outbox.wants_exchange
        parcels = station.give_out()["chat"]
    assert brought == [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0]]
    assert {row["state"] for row in station.log()} == {"sent"}


class TestReminders:
    @pytest.fixture
    def told(self, station: Station) -> Station:
        station.frame(alert("blind", severity=Severity.CRITICAL), alert("warm", severity=Severity.WARNING))
        for parcels in station.give_out().values():
            for parcel in parcels:
                station.ends(parcel)
        station.give_out()
        return station

    def reminded(self, station: Station) -> list[tuple[str, int]]:
        station.outbox.remind(station.run, 600.0)
        given = station.give_out()["chat"]
        for parcel in given:
            station.ends(parcel)
        station.give_out()
        return [(parcel.notices[0].alert.rule, parcel.notices[0].reminder) for parcel in given]

    def test_a_critical_alert_is_told_again_until_it_is_acknowledged(self, told: Station) -> None:
        told.clock.at_s = 500.0
        assert self.reminded(told) == []
        told.clock.at_s = 601.0
        assert self.reminded(told) == [("blind", 1)]
        assert self.reminded(told) == []
        told.clock.at_s = 1300.0
        assert self.reminded(told) == [("blind", 2)]
        assert told.store is not None
        event_id = told.events(rule="blind")[0]["event_id"]
        told.store.record(told.run, EventAcknowledged(made.at(2), event_id))
        told.clock.at_s = 5000.0
        assert self.reminded(told) == []
        assert len({row["delivery_id"] for row in told.log(sink="chat", rule="blind")}) == 3

    @pytest.mark.parametrize("set_by_s", [7_200.0, -7_200.0, -631_000_000.0])
    def test_a_clock_that_is_set_neither_hurries_nor_holds_back(self, told: Station, set_by_s: float) -> None:
        told.clock.at_s = 300.0
        told.clock.set_by_s = set_by_s
        assert self.reminded(told) == [], "no burst"
        told.clock.at_s = 601.0
        assert self.reminded(told) == [("blind", 1)], "and no silence"
        assert self.reminded(told) == []
        told.clock.set_by_s = 0.0
        assert self.reminded(told) == []
        told.clock.at_s = 1300.0
        assert self.reminded(told) == [("blind", 2)]

    def test_a_clock_that_was_set_back_at_a_start_does_not_silence_it(self, told: Station) -> None:
        told.clock.boot_id, told.clock.at_s, told.clock.set_by_s = "next boot", 20.0, -631_000_000.0
        assert self.reminded(told) == [("blind", 1)], "how long ago nobody can tell"
        assert self.reminded(told) == []
        told.clock.at_s = 621.0
        assert self.reminded(told) == [("blind", 2)]

    def test_one_that_cleared_is_not_told_again(self, told: Station) -> None:
        told.frame(alert("blind", raised=False, severity=Severity.CRITICAL))
        told.clock.at_s = 601.0
        assert ("blind", 1) not in self.reminded(told)

    def test_nor_while_alerts_are_muted(self, told: Station) -> None:
        assert told.store is not None
        told.clock.at_s = 601.0
        now = told.clock.now()
        told.store.record(told.run, AlertsMuted(now, now.after(100), "muted"))
        assert self.reminded(told) == []
        told.clock.at_s = 702.0
        assert self.reminded(told) == [("blind", 1)]

    def test_a_reminder_that_waits_is_closed_by_an_acknowledgement(self, told: Station) -> None:
        assert told.store is not None
        told.clock.at_s = 601.0
        told.outbox.remind(told.run, 600.0)
        waiting = [row for row in told.log(sink="chat") if row["reminder"]]
        assert [row["state"] for row in waiting] == ["pending"]
        told.store.record(told.run, EventAcknowledged(made.at(2), waiting[0]["event_id"]))
        told.outbox.remind(told.run, 600.0)
        closed = [row for row in told.log(sink="chat") if row["reminder"]]
        assert [(row["state"], row["last_error"]) for row in closed] == [
            ("given_up", "acknowledged meanwhile")
        ]


@pytest.mark.parametrize("set_by_s", [7_200.0, -7_200.0])
def test_how_long_alerts_wait_is_not_the_set_clock_s_to_say(station: Station, set_by_s: float) -> None:
    station.frame(alert())
    station.clock.at_s = 300.0
    station.clock.set_by_s = set_by_s
    station.frame(alert())
    assert station.outbox.arrears(600.0) == []
    station.clock.at_s = 601.0
    assert [(late.sink, late.count) for late in station.outbox.arrears(600.0)] == [("chat", 1), ("log", 1)]
    (late, _) = station.outbox.arrears(600.0)
    assert station.clock.now().seconds_since(late.oldest) == pytest.approx(601.0)
    station.clock.at_s = 901.0
    assert [late.count for late in station.outbox.arrears(600.0)] == [2, 2]


def test_what_waits_for_too_long_is_found_and_told_to_the_others(station: Station) -> None:
    station.frame(alert())
    station.frame(alert())
    for parcel in station.give_out()["log"]:
        station.ends(parcel)
    station.give_out()
    station.clock.at_s = 590.0
    assert station.outbox.arrears(600.0) == []
    station.clock.at_s = 601.0
    (late,) = station.outbox.arrears(600.0)
    assert (late.sink, late.count) == ("chat", 2)
    assert station.outbox.told_of(station.run) == {}
    station.outbox.tell(station.run, Alert(sink_rule("chat"), AlertKind.DELIVERY, True, "2 alerts wait"))
    given = station.give_out()
    assert messages(given["log"]) == [("delivery to chat", True)]
    assert given["log"][0].notices[0].field == ""
    assert station.log(sink="chat", rule="delivery to chat") == [], "not by the sink that does not answer"
    station.restart(CHAT, LOG)
    assert station.outbox.told_of(station.run) == {"delivery to chat": True}


def test_what_is_given_up_stands_in_the_events(station: Station) -> None:
    station.frame(alert())
    (parcel,) = station.give_out()["chat"]
    station.ends(parcel, DeliveryState.GIVEN_UP, "refused it: 400 Bad Request")
    station.frame()
    (event,) = station.events(kind="alert_undelivered")
    assert event["message"] == (
        f"alert {parcel.notices[0].event_id} (too many) will not reach sink chat: refused it: 400 Bad Request"
    )


def test_a_station_that_was_renamed_still_sends_what_waited(station: Station) -> None:
    station.frame(alert())
    if "postgresql" in station.database:
        pytest.skip("several stations may share a server: nobody takes over what waits under another name")
    station.restart(CHAT, LOG, station="plate-8")
    assert messages(station.give_out()["chat"]) == [("too many", True)]
