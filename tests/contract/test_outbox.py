"""The outbox in SQLite and PostgreSQL: alerts are queued in their own transaction, given out in order, until sent."""

from __future__ import annotations

import dataclasses

import pytest

from monitor.errors import StoreError
from monitor.records import Alert, AlertKind, RunState
from monitor.records.delivery import Subscription, sink_rule
from monitor.records.run import RunEnded, SilenceObserved
from monitor.records.vocabulary import DeliveryState, Severity
from monitor.store import open_store
from tests import trail_results as made
from tests.contract.outbox_station import CHAT, LOG, Station, alert, messages


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


def test_a_parcel_says_on_the_boot_s_clock_when_it_was_queued(station: Station) -> None:
    station.frame(alert())
    station.clock.at_s = 300.0
    station.clock.set_by_s = -7_200.0
    (parcel,) = station.give_out()["log"]
    assert station.clock.now().utc < parcel.queued.utc, "the control: by UTC it is yet to come"
    assert station.clock.now().seconds_since(parcel.queued) == 300.0


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
