"""What every alert sink keeps, against the real other side: an HTTP server, an MQTT broker, a mail server."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from pydantic import TypeAdapter, ValidationError

from monitor.alerts.sinks import AlertSink, AlertSinkError, check_sink, open_sink
from monitor.clock import Instant
from monitor.errors import UserError
from monitor.records import Alert, AlertKind, AlertNotice
from monitor.settings.sinks import SinkSettings
from tests.free_port import free_port
from tests.mosquitto_broker import broker, listener
from tests.webhook_receiver import webhook_server

SINK: TypeAdapter[SinkSettings] = TypeAdapter(SinkSettings)
KINDS = ("log", "zeromq", "webhook", "mqtt", "apprise")


def notice(event_id: int, **changes: object) -> AlertNotice:
    alert = Alert("size", AlertKind.SIZE, True, "largest crystal size 51 µm (alert above 50)", 51.0, 50.0, 7)
    values: dict[str, object] = {
        "key": f"plate.1.{event_id}",
        "station": "plate",
        "run_name": "salt",
        **changes,
    }
    return AlertNotice(event_id, 3, "A1", Instant(1_700_000_000_000_000_000), alert, **values)  # type: ignore[arg-type]


def sink_settings(kind: str, folder: Path, port: int) -> SinkSettings:
    options: dict[str, object] = {
        "log": {},
        "zeromq": {"endpoint": f"ipc://{folder}/alerts"},
        "webhook": {"url": f"http://127.0.0.1:{port}/hook", "timeout_s": 0.5},
        "mqtt": {"host": "127.0.0.1", "port": port, "timeout_s": 0.5},
        "apprise": {"urls": {"file": str(secret(folder, f"json://127.0.0.1:{port}/?cto=0.5&rto=0.5"))}},
    }[kind]
    return SINK.validate_python({"kind": kind, "options": options})


def secret(folder: Path, text: str) -> Path:
    path = folder / "secret"
    path.write_text(f"# services\n{text}\n")
    path.chmod(0o600)
    return path


def insistently(sink: AlertSink, told: AlertNotice) -> None:
    """As a courier: again until it is taken, three times at the most."""
    for _ in range(2):
        try:
            sink.send(told)
        except AlertSinkError:
            time.sleep(1.5)
        else:
            return
    sink.send(told)


@pytest.fixture(params=KINDS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SinkSettings]:
    """Of a sink whose other side is there."""
    kind = str(request.param)
    if kind in ("webhook", "apprise"):
        with webhook_server(tmp_path) as server:
            yield sink_settings(kind, tmp_path, server.port)
    elif kind == "mqtt":
        with broker(tmp_path) as running:
            yield sink_settings(kind, tmp_path, running.port)
    else:
        yield sink_settings(kind, tmp_path, 0)


def test_conformance(settings: SinkSettings) -> None:
    check_sink(settings, "plate")
    sink = open_sink(settings, "plate")
    try:
        assert isinstance(sink, AlertSink)
        for event_id in range(30):
            sink.send(notice(event_id))
    finally:
        sink.close()


def test_a_sink_that_was_never_used_is_closed(settings: SinkSettings) -> None:
    open_sink(settings, "plate").close()


@pytest.mark.parametrize("kind", ["webhook", "mqtt", "apprise"])
def test_where_nobody_is_it_opens_says_so_in_time_and_holds_no_secret(kind: str, tmp_path: Path) -> None:
    sink = open_sink(sink_settings(kind, tmp_path, free_port()), "plate")
    try:
        began = time.monotonic()
        with pytest.raises(AlertSinkError, match=r"cannot be reached|did not take it") as failure:
            sink.send(notice(1))
        assert time.monotonic() - began < 5
        assert "/hook" not in str(failure.value), "no path of an address: it may be a secret"
    finally:
        sink.close()


@pytest.mark.parametrize("kind", ["webhook", "mqtt", "apprise"])
def test_a_server_that_never_answers_is_left_in_time(kind: str, tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = open_sink(sink_settings(kind, tmp_path, silent.getsockname()[1]), "plate")
        try:
            began = time.monotonic()
            with pytest.raises(AlertSinkError):
                sink.send(notice(1))
            assert time.monotonic() - began < 8
        finally:
            sink.close()


def test_log_sink_writes_rule_and_message(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink = open_sink(sink_settings("log", tmp_path, 0))
    with caplog.at_level(logging.INFO, logger="crystal_monitor.alerts"):
        sink.send(notice(1))
    assert caplog.records[0].levelno == logging.WARNING
    assert "field A1, size: largest crystal size 51 µm" in caplog.text


def test_zeromq_sink_publishes_json(tmp_path: Path) -> None:
    sink = open_sink(sink_settings("zeromq", tmp_path, 0))
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
    assert plain["severity"] == "warning"
    assert plain["title"] == "Warning: size raised (plate · A1)"


def test_a_second_publisher_is_refused_and_takes_nothing(tmp_path: Path) -> None:
    settings = sink_settings("zeromq", tmp_path, 0)
    first = open_sink(settings)
    bound = (tmp_path / "alerts").stat().st_ino
    with pytest.raises(UserError, match=rf"already, by process {os.getpid()} \(.*: stop it, or name another"):
        open_sink(settings)
    assert (tmp_path / "alerts").stat().st_ino == bound, "it was not bound anew"
    first.close()
    open_sink(settings).close()


def test_zeromq_sink_says_what_is_wrong_with_its_folder(tmp_path: Path) -> None:
    settings = SINK.validate_python(
        {"kind": "zeromq", "options": {"endpoint": f"ipc://{tmp_path}/missing/alerts"}}
    )
    with pytest.raises(UserError, match=r"cannot be published on ipc://.*writable"):
        open_sink(settings)
    with pytest.raises(UserError, match=r"the folder .*missing is missing"):
        check_sink(settings)


@pytest.mark.parametrize(
    ("sink", "says"),
    [
        ({"kind": "log", "options": {"level": "loud"}}, "Extra inputs"),
        ({"kind": "zeromq", "options": {}}, "Field required"),
        ({"kind": "zeromq", "options": {"endpoint": "tcp://*:1"}}, "write ipc://"),
        ({"kind": "webhook", "options": {"url": "http://lab.example/hook"}}, "lab.example without encryption"),
        ({"kind": "webhook", "options": {"url": "ftp://lab.example/hook"}}, "must begin with https://"),
        ({"kind": "webhook", "options": {"url": "https://u:swordfish@lab.example/"}}, "holds a user or a password"),
        ({"kind": "webhook", "options": {"url": "https://a.b", "secret": "swordfish"}}, "must not stand in the"),
        (
            {"kind": "mqtt", "options": {"host": "lab.example", "user": "u", "password": {"credential": "mqtt"}}},
            "to lab.example without encryption",
        ),
        ({"kind": "mqtt", "options": {"host": "::1", "password": {"credential": "mqtt"}}}, "needs a user"),
        ({"kind": "apprise", "options": {"urls": "mailto://u:swordfish@a.b"}}, "must not stand in the settings"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused_with_the_settings(sink: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as refused:
        SINK.validate_python(sink)
    assert all("swordfish" not in error["msg"] for error in refused.value.errors())


@pytest.mark.parametrize(
    ("kind", "option"), [("webhook", "secret"), ("webhook", "url"), ("mqtt", "password"), ("apprise", "urls")]
)
def test_a_secret_that_is_missing_is_found_without_sending(kind: str, option: str, tmp_path: Path) -> None:
    settings = sink_settings(kind, tmp_path, 1).model_dump(mode="json", exclude_none=True)
    settings["options"] |= {option: {"file": str(tmp_path / "gone")}}
    if kind == "mqtt":
        settings["options"]["user"] = "station"
    with pytest.raises(UserError, match=r"secret file .*gone cannot be read"):
        check_sink(SINK.validate_python(settings))


class TestMqtt:
    def test_alerts_states_and_the_last_will(self, tmp_path: Path) -> None:
        from monitor.records import RunState
        from monitor.records.alert import FieldNow

        with broker(tmp_path) as running:
            sink = open_sink(sink_settings("mqtt", tmp_path, running.port), "plate 7/b")
            with listener(running.port) as hears:
                sink.send(notice(5))
                assert json.loads(hears.until("/A1/alert")[0])["key"] == "plate.1.5"
                assert hears.until("/status") == [b"online"]
                now = FieldNow(
                    "plate", 3, "salt", "A+1", Instant(1), RunState.GROWING, 12, 0.25, 600.0, ("size",)
                )
                sink.show(now)  # type: ignore[attr-defined]
                hears.until("/state")
                assert hears.heard[-1][0] == "crystal-monitor/plate 7_b/A_1/state"
            with listener(running.port) as late:
                (state,) = late.until("/state")
                assert json.loads(state)["state"] == "growing"
                assert json.loads(state)["raised"] == ["size"]
                assert late.until("/status") == [b"online"], "retained: who comes later knows at once"
                assert late.of("/alert") == []
                sink.close()
                assert late.until("/status", 2)[1] == b"offline"

    def test_what_is_tried_again_while_the_broker_hangs_arrives_once(self, tmp_path: Path) -> None:
        with broker(tmp_path) as running, listener(running.port) as hears:
            sink = open_sink(sink_settings("mqtt", tmp_path, running.port), "plate")
            sink.send(notice(1))
            running.pause()
            try:
                for _ in range(5):
                    with pytest.raises(AlertSinkError, match=r"did not confirm within 0\.5 s"):
                        sink.send(notice(2))
            finally:
                running.go_on()
            sink.send(notice(2))
            sink.send(notice(3))
            heard = [json.loads(payload)["event_id"] for payload in hears.until("/alert", 3)]
            sink.close()
            assert heard == [1, 2, 3]

    def test_a_message_that_the_broker_never_takes_is_in_nobody_s_way(self, tmp_path: Path) -> None:
        with broker(tmp_path, "max_packet_size 3000") as running, listener(running.port) as hears:
            sink = open_sink(sink_settings("mqtt", tmp_path, running.port), "plate")
            sink.send(notice(1))
            for _ in range(2):
                with pytest.raises(AlertSinkError):
                    sink.send(notice(2, run_name="x" * 5000))
            insistently(sink, notice(3))
            insistently(sink, notice(4))
            heard = [json.loads(payload)["event_id"] for payload in hears.until("/alert", 3)]
            sink.close()
            assert heard == [1, 3, 4]

    def test_user_and_password(self, tmp_path: Path) -> None:
        import shutil
        import subprocess

        if shutil.which("mosquitto_passwd") is None:
            pytest.skip("no mosquitto_passwd on this machine: install the package mosquitto")
        known = tmp_path / "users"
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(known), "station", "swordfish"], check=True)
        password = tmp_path / "password"
        password.write_text("swordfish\n")
        password.chmod(0o600)
        with broker(tmp_path, "allow_anonymous false", f"password_file {known}") as running:
            plain = sink_settings("mqtt", tmp_path, running.port).model_dump(exclude_none=True)
            sink = open_sink(SINK.validate_python(plain), "plate")
            with pytest.raises(AlertSinkError, match=r"refused .*check user and password"):
                sink.send(notice(1))
            sink.close()
            plain["options"] |= {"user": "station", "password": {"file": str(password)}}
            sink = open_sink(SINK.validate_python(plain), "plate")
            sink.send(notice(2))
            sink.close()

    # paho leaves the socket of a handshake that failed to the collector.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_tls_with_an_authority_of_one_s_own(self, tmp_path: Path) -> None:
        import shutil
        import subprocess

        if shutil.which("openssl") is None:
            pytest.skip("no openssl on this machine")
        certificate, key = tmp_path / "broker.pem", tmp_path / "broker.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        lines = (f"certfile {certificate}", f"keyfile {key}")
        with broker(tmp_path, *lines) as running:
            plain = sink_settings("mqtt", tmp_path, running.port).model_dump(exclude_none=True)
            plain["options"] |= {"tls": True, "timeout_s": 2.0}
            sink = open_sink(SINK.validate_python(plain), "plate")
            with pytest.raises(AlertSinkError, match="cannot be reached"):
                sink.send(notice(1))
            sink.close()
            plain["options"] |= {"ca_file": str(certificate)}
            sink = open_sink(SINK.validate_python(plain), "plate")
            sink.send(notice(2))
            sink.close()
