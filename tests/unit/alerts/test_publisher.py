"""The publisher calls every sink and reports every failure; it never raises and never waits long."""

from __future__ import annotations

import threading
from importlib.metadata import EntryPoint

import pytest

from monitor.alerts.sinks import AlertPublisher, AlertSinkError, LogSink, available_sinks, open_sink
from monitor.alerts.sinks import sink as sink_module
from monitor.clock import Instant
from monitor.errors import UserError
from monitor.records import Alert, AlertKind, AlertNotice
from monitor.settings.alerts import SinkSettings


def notice(event_id: int) -> AlertNotice:
    alert = Alert("first crystal", AlertKind.NUCLEATION, True, "the first crystal was born at 12 s", 1.0, 1.0)
    return AlertNotice(event_id, 1, "main", Instant(1_700_000_000_000_000_000), alert)


class KeptSink:
    def __init__(self) -> None:
        self.got: list[int] = []
        self.closed = False

    def send(self, notice: AlertNotice) -> None:
        self.got.append(notice.event_id)

    def close(self) -> None:
        self.closed = True


class BrokenSink(KeptSink):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def send(self, notice: AlertNotice) -> None:
        raise self.error


class HangingSink(KeptSink):
    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def send(self, notice: AlertNotice) -> None:
        self.released.wait(20)
        super().send(notice)


def test_every_sink_gets_every_notice_in_order() -> None:
    sinks = {"a": KeptSink(), "b": KeptSink()}
    with AlertPublisher(sinks) as publisher:
        assert publisher.publish([notice(1), notice(2)]) == ()
        assert publisher.publish([notice(3)]) == ()
    assert all(s.got == [1, 2, 3] and s.closed for s in sinks.values())


@pytest.mark.parametrize("error", [AlertSinkError("no"), OSError("gone"), ZeroDivisionError("bug")])
def test_a_broken_sink_is_reported_and_the_others_are_served(error: Exception) -> None:
    kept = KeptSink()
    with AlertPublisher({"broken": BrokenSink(error), "kept": kept}) as publisher:
        failures = publisher.publish([notice(1), notice(2)])
    assert [(f.sink, f.event_id) for f in failures] == [("broken", 1), ("broken", 2)]
    assert str(error) in failures[0].message
    assert kept.got == [1, 2]


def test_a_hanging_sink_holds_nobody_up_and_its_losses_are_reported() -> None:
    hanging, kept = HangingSink(), KeptSink()
    publisher = AlertPublisher({"hanging": hanging, "kept": kept}, timeout_s=0.2)
    first = publisher.publish([notice(1), notice(2)])
    assert [(f.sink, f.event_id) for f in first] == [("hanging", 2)]
    second = publisher.publish([notice(3)])
    assert [(f.sink, f.event_id) for f in second] == [("hanging", 3)]
    assert "still busy with alert 1" in second[0].message
    assert kept.got == [1, 2, 3]
    hanging.released.set()
    publisher.close()
    assert kept.closed


def test_an_unknown_sink_names_those_there_are() -> None:
    with pytest.raises(UserError, match=r"no alert sink 'pager'; available: .*log, zeromq"):
        open_sink(SinkSettings(kind="pager"))


def test_a_sink_of_an_installed_package_is_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    good = EntryPoint("pager", "tests.unit.alerts.test_publisher:LogSink", "crystal_monitor.alert_sinks")
    bad = EntryPoint("bad", "no.such.module:Sink", "crystal_monitor.alert_sinks")
    monkeypatch.setattr(sink_module, "entry_points", lambda group: [good, bad])
    assert available_sinks() == ("bad", "log", "pager", "zeromq")
    monkeypatch.setattr(
        EntryPoint, "load", lambda self: LogSink if self.name == "pager" else __import__("no.such")
    )
    assert isinstance(open_sink(SinkSettings(kind="pager")), LogSink)
    with pytest.raises(UserError, match=r"'bad'.*cannot be loaded"):
        open_sink(SinkSettings(kind="bad"))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("log", {"level": "loud"}),
        ("zeromq", {}),
        ("zeromq", {"endpoint": "tcp://*:1"}),
        ("zeromq", {"port": 5}),
    ],
)
def test_wrong_options_are_refused_at_start(kind: str, options: dict[str, str | int]) -> None:
    with pytest.raises(UserError, match=f"alert sink '{kind}'"):
        open_sink(SinkSettings(kind=kind, options=options))
