"""What every alert sink keeps: sends in order without blocking, closes, says no more than its protocol."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from monitor.alerts.sinks import AlertSink, open_sink
from monitor.clock import Instant
from monitor.errors import UserError
from monitor.records import Alert, AlertKind, AlertNotice
from monitor.settings.alerts import SinkSettings


def notice(event_id: int) -> AlertNotice:
    alert = Alert("size", AlertKind.SIZE, True, "largest crystal size 51 µm (alert above 50)", 51.0, 50.0, 7)
    return AlertNotice(event_id, 3, "A1", Instant(1_700_000_000_000_000_000), alert)


def log_settings(folder: Path) -> SinkSettings:
    return SinkSettings(kind="log")


def zeromq_settings(folder: Path) -> SinkSettings:
    return SinkSettings(kind="zeromq", options={"endpoint": f"ipc://{folder}/alerts"})


@pytest.mark.parametrize("settings", [log_settings, zeromq_settings])
def test_conformance(settings: Callable[[Path], SinkSettings], tmp_path: Path) -> None:
    sink = open_sink(settings(tmp_path))
    try:
        assert isinstance(sink, AlertSink)
        started = time.monotonic()
        for event_id in range(500):
            sink.send(notice(event_id))
        # Without a listener nothing may block; the bound is generous, blocking would be without end.
        assert time.monotonic() - started < 20
    finally:
        sink.close()


def test_log_sink_writes_rule_and_message(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = open_sink(log_settings(tmp_path))
    with caplog.at_level(logging.INFO, logger="crystal_monitor.alerts"):
        sink.send(notice(1))
    assert caplog.records[0].levelno == logging.WARNING
    assert "field A1, size: largest crystal size 51 µm" in caplog.text


def test_zeromq_sink_publishes_json(tmp_path: Path) -> None:
    sink = open_sink(zeromq_settings(tmp_path))
    with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
        subscriber.setsockopt(zmq.SUBSCRIBE, b"alert")
        subscriber.setsockopt(zmq.RCVTIMEO, 200)
        subscriber.connect(f"ipc://{tmp_path}/alerts")
        try:
            received = None
            for event_id in range(100):
                sink.send(notice(event_id))
                try:
                    received = subscriber.recv_multipart()
                    break
                except zmq.Again:
                    continue
            assert received is not None
            topic, message = received
        finally:
            sink.close()
    plain = json.loads(message)
    assert topic == b"alert"
    assert (plain["version"], plain["run_id"], plain["field"], plain["rule"]) == (1, 3, "A1", "size")
    assert (plain["value"], plain["limit"], plain["crystal_id"], plain["raised"]) == (51.0, 50.0, 7, True)
    assert plain["at"] == "2023-11-14T22:13:20+00:00"


def test_zeromq_sink_says_what_is_wrong_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be published on ipc://.*writable"):
        open_sink(SinkSettings(kind="zeromq", options={"endpoint": f"ipc://{tmp_path}/missing/alerts"}))
