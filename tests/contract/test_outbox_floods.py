"""Many alerts at once become a summary, and what nobody acknowledged is said again: in SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from monitor.records.delivery import Parcel
from monitor.records.run import AlertsMuted, EventAcknowledged
from monitor.records.vocabulary import Severity
from monitor.store import Flood
from tests import trail_results as made
from tests.contract.outbox_station import CHAT, LOG, Station, alert, messages


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
