"""Couriers bring alerts in order, again and again until they are taken; no fault of a sink harms anybody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from importlib.metadata import EntryPoint

import pytest

from monitor.alerts.backoff import Backoff
from monitor.alerts.sinks import (
    AlertPost,
    AlertRefusedError,
    AlertSink,
    AlertSinkError,
    CourierOrders,
    available_sinks,
    open_sink,
)
from monitor.alerts.sinks import sink as sink_module
from monitor.alerts.sinks.courier import LEAST_ATTEMPTS
from monitor.clock import Instant, SystemClock
from monitor.errors import UserError
from monitor.records import Alert, AlertKind, AlertNotice, RunState
from monitor.records.alert import FieldNow
from monitor.records.delivery import DeliveryAttempt, Parcel
from monitor.records.vocabulary import DeliveryState
from monitor.settings.sinks import AddedSinkSettings

CLOCK = SystemClock()
QUICK = CourierOrders(Backoff(0.02, 0.05), give_up_after_s=3600.0)
PATIENCE_S = 20.0


def notice(event_id: int) -> AlertNotice:
    alert = Alert("first crystal", AlertKind.NUCLEATION, True, "the first crystal was born at 12 s", 1.0, 1.0)
    return AlertNotice(event_id, 1, "main", Instant(1_700_000_000_000_000_000), alert, key=f"key-{event_id}")


def parcel(number: int, sink: str = "it", queued: Instant | None = None) -> Parcel:
    return Parcel(sink, (number,), (notice(number),), 0, queued or CLOCK.now())


class KeptSink:
    """Takes everything; raises what it is told to first."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.got: list[int] = []
        self.tried: list[int] = []
        self.threads: set[str] = set()
        self.closed = False

    def send(self, notice: AlertNotice) -> None:
        self.tried.append(notice.event_id)
        self.threads.add(threading.current_thread().name)
        if self.errors:
            raise self.errors.pop(0)
        self.got.append(notice.event_id)

    def close(self) -> None:
        self.closed = True


class HangingSink(KeptSink):
    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def send(self, notice: AlertNotice) -> None:
        self.released.wait(PATIENCE_S)
        super().send(notice)


class Desk:
    """A post, and all that came of what it was given."""

    def __init__(self, orders: CourierOrders = QUICK, clock: SystemClock = CLOCK, **sinks: AlertSink) -> None:
        self.post = AlertPost({name: (sink, orders) for name, sink in sinks.items()}, clock)
        self.attempts: list[DeliveryAttempt] = []

    def until(self, question: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not question():
            assert time.monotonic() < end, self.attempts
            self.attempts += self.post.collect()
            time.sleep(0.005)
        self.attempts += self.post.collect()

    def ended(self, *numbers: int) -> Callable[[], bool]:
        return lambda: (
            set(numbers)
            <= {one.parcel.delivery_ids[0] for one in self.attempts if one.state is not DeliveryState.PENDING}
        )


def test_each_sink_gets_its_parcels_in_order_on_a_thread_of_its_own() -> None:
    a, b = KeptSink(), KeptSink()
    desk = Desk(a=a, b=b)
    desk.post.offer({"a": [parcel(2, "a"), parcel(5, "a")], "b": [parcel(3, "b")]})
    desk.until(desk.ended(2, 3, 5))
    assert (a.got, b.got) == ([2, 5], [3])
    assert (a.threads, b.threads) == ({"alert-a"}, {"alert-b"})
    assert desk.post.in_hand == {"a": set(), "b": set()}
    assert desk.post.close(PATIENCE_S) == []
    assert a.closed
    assert b.closed


@pytest.mark.parametrize("error", [AlertSinkError("no"), OSError("gone")])
def test_what_failed_is_tried_again_before_anything_later(error: Exception) -> None:
    sink = KeptSink(error, error)
    desk = Desk(it=sink)
    desk.post.offer({"it": [parcel(1), parcel(2)]})
    assert desk.post.in_hand == {"it": {1, 2}}
    desk.until(desk.ended(1, 2))
    assert sink.tried == [1, 1, 1, 2]
    first = [one for one in desk.attempts if one.parcel.delivery_ids == (1,)]
    assert [(one.state, one.attempts, one.error) for one in first] == [
        (DeliveryState.PENDING, 1, str(error)),
        (DeliveryState.PENDING, 2, str(error)),
        (DeliveryState.SENT, 3, ""),
    ]
    assert first[0].next_at is not None
    assert first[0].next_at.seconds_since(first[0].at) <= 0.05
    desk.post.close(PATIENCE_S)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_in_a_sink_ends_its_thread_and_loses_nothing() -> None:
    sink, other = KeptSink(ZeroDivisionError("a fault")), KeptSink()
    desk = Desk(it=sink, other=other)
    desk.post.offer({"it": [parcel(1), parcel(2)], "other": [parcel(3, "other")]})
    desk.until(desk.ended(1, 2, 3))
    assert sink.got == [1, 2]
    assert other.got == [3]
    failed = [one for one in desk.attempts if one.state is DeliveryState.PENDING]
    assert [one.error for one in failed] == ["a fault in the sink: ZeroDivisionError: a fault"]
    desk.post.close(PATIENCE_S)


def test_a_hanging_sink_holds_up_nobody_and_is_left_behind_at_the_end() -> None:
    hanging, kept = HangingSink(), KeptSink()
    desk = Desk(hanging=hanging, kept=kept)
    began = time.monotonic()
    for number in range(1, 50):
        desk.post.offer({"hanging": [parcel(number, "hanging")], "kept": [parcel(100 + number, "kept")]})
    assert time.monotonic() - began < PATIENCE_S / 2, "the sink would have held it up for longer"
    desk.until(desk.ended(*range(101, 150)))
    assert len(desk.post.in_hand["hanging"]) == 49
    began = time.monotonic()
    assert desk.post.close(0.2) == ["hanging"]
    assert time.monotonic() - began < PATIENCE_S / 2
    hanging.released.set()


def test_a_refused_message_is_given_up_after_three_attempts_and_lets_the_next_one_by() -> None:
    sink = KeptSink(*[AlertRefusedError("400 Bad Request")] * 3)
    desk = Desk(it=sink)
    desk.post.offer({"it": [parcel(1), parcel(2)]})
    desk.until(desk.ended(1, 2))
    (given_up,) = [one for one in desk.attempts if one.state is DeliveryState.GIVEN_UP]
    assert given_up.parcel.delivery_ids == (1,)
    assert given_up.error == "refused 3 times: 400 Bad Request"
    assert sink.got == [2]
    desk.post.close(PATIENCE_S)


class SetClock(SystemClock):
    """The machine's clock, some time later, and with another date."""

    def __init__(self) -> None:
        super().__init__()
        self.later_s = 0.0
        self.set_by_s = 0.0

    def now(self) -> Instant:
        later = super().now().after(self.later_s)
        return Instant(later.after(self.set_by_s).utc_ns, later.boottime_ns, later.boot_id)


class AwaySink(KeptSink):
    """Nobody is there until it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.away = True

    def send(self, notice: AlertNotice) -> None:
        self.errors = [AlertSinkError("away")] if self.away else []
        super().send(notice)


def read(number: int, queued: Instant) -> Parcel:
    """As it comes from the database after another boot, of which UTC alone is left to go by."""
    return parcel(number, queued=Instant(queued.utc_ns))


def test_what_was_not_taken_for_too_long_is_given_up() -> None:
    sink, clock = AwaySink(), SetClock()
    desk = Desk(CourierOrders(QUICK.backoff, give_up_after_s=60.0), clock, it=sink)
    desk.post.offer({"it": [read(1, clock.now().after(-61.0)), read(2, clock.now())]})
    desk.until(lambda: len(sink.tried) > LEAST_ATTEMPTS)
    assert set(sink.tried) == {1}, "the control: this thread has seen it fail for a moment only"
    clock.later_s = 61.0
    desk.until(desk.ended(1))
    given_up = next(one for one in desk.attempts if one.state is DeliveryState.GIVEN_UP)
    assert "not taken for 61 s: away" in given_up.error
    desk.until(desk.ended(2))
    second = [one for one in desk.attempts if one.parcel.delivery_ids == (2,)]
    assert len(second) >= LEAST_ATTEMPTS
    desk.post.close(PATIENCE_S)


@pytest.mark.parametrize("since_boot", [False, True])
def test_what_was_queued_before_the_clock_was_set_back_is_given_up(*, since_boot: bool) -> None:
    sink, clock = AwaySink(), SetClock()
    desk = Desk(CourierOrders(QUICK.backoff, give_up_after_s=60.0), clock, it=sink)
    queued = clock.now()
    clock.set_by_s = -7_200.0
    desk.post.offer({"it": [parcel(1, queued=queued) if since_boot else read(1, queued)]})
    desk.until(lambda: len(sink.tried) > LEAST_ATTEMPTS)
    assert not desk.ended(1)(), "the control: it has failed for a moment only"
    clock.later_s = 61.0
    desk.until(desk.ended(1))
    assert [one.state for one in desk.attempts][-1] is DeliveryState.GIVEN_UP
    desk.post.close(PATIENCE_S)


@pytest.mark.parametrize("fails_before", [False, True])
def test_a_dead_clock_that_is_set_right_loses_no_alert(*, fails_before: bool) -> None:
    sink, clock = AwaySink(), SetClock()
    clock.set_by_s = -631_000_000.0
    desk = Desk(CourierOrders(QUICK.backoff, give_up_after_s=60.0), clock, it=sink)
    desk.post.offer({"it": [read(1, clock.now())]} if fails_before else {})
    desk.until(lambda: len(sink.tried) >= 2 * fails_before)
    queued = clock.now()
    clock.set_by_s = 0.0
    desk.post.offer({"it": [read(2, queued)]})
    tried = len(sink.tried)
    desk.until(lambda: len(sink.tried) > tried + 2 * LEAST_ATTEMPTS)
    assert not [one for one in desk.attempts if one.state is not DeliveryState.PENDING]
    sink.away = False
    desk.until(desk.ended(2))
    assert sink.got == [1, 2][not fails_before :]
    desk.post.close(PATIENCE_S)


def test_the_receiver_may_ask_for_a_longer_wait() -> None:
    sink = KeptSink(AlertSinkError("429 Too Many Requests", retry_after_s=0.5))
    desk = Desk(it=sink)
    desk.post.offer({"it": [parcel(1)]})
    desk.until(desk.ended(1))
    failed = desk.attempts[0]
    assert failed.next_at is not None
    assert failed.next_at.seconds_since(failed.at) == pytest.approx(0.5, abs=0.1)
    assert desk.attempts[1].at.seconds_since(failed.at) >= 0.45
    desk.post.close(PATIENCE_S)


def test_waits_grow_to_the_limit_and_vary() -> None:
    import random

    backoff, chance = Backoff(1.0, 300.0), random.Random(1)
    waits = [[backoff.wait_s(failures, chance) for _ in range(200)] for failures in (1, 2, 3, 20, 5000)]
    assert [max(each) <= limit for each, limit in zip(waits, (1, 2, 4, 300, 300), strict=True)] == [True] * 5
    assert [min(each) >= limit for each, limit in zip(waits, (0.5, 1, 2, 150, 150), strict=True)] == [
        True
    ] * 5
    assert len({round(wait, 3) for wait in waits[3]}) > 150
    assert backoff.wait_s(1, chance, asked_s=1e9) == 3600.0


class ShowingSink(KeptSink):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[FieldNow] = []
        self.released = threading.Event()

    def send(self, notice: AlertNotice) -> None:
        self.released.wait(PATIENCE_S)
        super().send(notice)

    def show(self, now: FieldNow) -> None:
        self.shown.append(now)


def now(field: str, crystals: int) -> FieldNow:
    return FieldNow("s", 1, "run", field, CLOCK.now(), RunState.GROWING, crystals, 0.1, None, ())


def test_of_a_field_s_states_only_the_newest_is_shown() -> None:
    sink, plain = ShowingSink(), KeptSink()
    desk = Desk(it=sink, plain=plain)
    assert desk.post.shows
    desk.post.offer({"it": [parcel(1)]})
    desk.until(lambda: not desk.post._couriers["it"].idle)
    for crystals in range(10):
        desk.post.show(now("A1", crystals))
    desk.post.show(now("A2", 7))
    sink.released.set()
    desk.until(lambda: len(sink.shown) == 2)
    assert [(each.field, each.crystals) for each in sink.shown] == [("A1", 9), ("A2", 7)]
    desk.post.close(PATIENCE_S)
    assert plain.tried == []


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    good = EntryPoint("pager", "tests.unit.alerts.test_couriers:KeptSink", "crystal_monitor.alert_sinks")
    bad = EntryPoint("bad", "no.such.module:Sink", "crystal_monitor.alert_sinks")
    monkeypatch.setattr(sink_module, "entry_points", lambda group: [good, bad])
    monkeypatch.setattr(
        EntryPoint, "load", lambda self: KeptSink if self.name == "pager" else __import__("no.such")
    )


def test_an_unknown_sink_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"no alert sink 'pigeon'; available: .*log, mqtt, webhook, zeromq"):
        open_sink(AddedSinkSettings(kind="pigeon"))


@pytest.mark.usefixtures("added")
def test_a_sink_of_an_installed_package_is_found_by_name() -> None:
    assert {"bad", "pager"} < set(available_sinks())
    assert isinstance(open_sink(AddedSinkSettings(kind="pager")), KeptSink)
    with pytest.raises(UserError, match=r"'bad'.*cannot be loaded"):
        open_sink(AddedSinkSettings(kind="bad"))
