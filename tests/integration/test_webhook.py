"""The webhook against a real server: signature, repetition, redirects, sizes, certificates."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import ssl
import subprocess
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from monitor.alerts.sinks import AlertRefusedError, AlertSink, AlertSinkError, open_sink
from monitor.clock import Instant
from monitor.records import Alert, AlertKind, AlertNotice
from monitor.settings.sinks import SinkSettings
from tests.webhook_receiver import Receiver, WebhookServer, webhook_server

SINK: TypeAdapter[SinkSettings] = TypeAdapter(SinkSettings)
PICTURE = b"\x89PNG" + bytes(range(256)) * 200


def notice(**changes: object) -> AlertNotice:
    alert = Alert("size", AlertKind.SIZE, True, "largest crystal size 51 µm (alert above 50)", 51.0, 50.0, 7)
    values: dict[str, object] = {"key": "plate.1.5", "station": "plate", "run_name": "salt", **changes}
    return AlertNotice(5, 3, "A1", Instant(1_700_000_000_000_000_000), alert, **values)  # type: ignore[arg-type]


def sink(server: WebhookServer, **options: object) -> AlertSink:
    given = {"url": server.url, "timeout_s": 5.0, **options}
    return open_sink(SINK.validate_python({"kind": "webhook", "options": given}), "plate")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("swordfish\n")
    path.chmod(0o600)
    return path


def test_the_body_is_signed_with_its_time_and_carries_the_picture(tmp_path: Path, key: Path) -> None:
    with webhook_server(tmp_path) as server:
        sink(server, secret={"file": str(key)}).send(notice(picture=PICTURE))
        (request,) = server.requests
    body, headers = base64.b64decode(request["body"]), request["headers"]
    stamp = headers["X-Crystal-Monitor-Timestamp"]
    expected = hmac.new(b"swordfish", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-Crystal-Monitor-Signature"] == f"sha256={expected}"
    assert abs(int(stamp) - time.time()) < 60
    assert headers["Idempotency-Key"] == "plate.1.5"
    plain = json.loads(body)
    assert base64.b64decode(plain["picture"]["base64"]) == PICTURE
    assert "largest crystal size 51 µm (alert above 50)" in plain["text"]
    for part in ("Field: A1", "Station: plate", "Run: 3 (salt)", "2023-11-14 22:13:20 UTC"):
        assert part in plain["text"]
    assert "swordfish" not in body.decode()


def test_without_a_secret_there_is_no_signature(tmp_path: Path) -> None:
    with webhook_server(tmp_path) as server:
        sink(server).send(notice())
        assert "X-Crystal-Monitor-Signature" not in server.requests[0]["headers"]
        assert server.taken[0]["picture"] is None


def test_a_server_that_takes_no_pictures_gets_the_text(tmp_path: Path) -> None:
    with webhook_server(tmp_path) as server:
        server.answers(most_bytes=20_000)
        sink(server).send(notice(picture=PICTURE))
        assert [one["status"] for one in server.requests] == [413, 200]
        assert {one["headers"]["Idempotency-Key"] for one in server.requests} == {"plate.1.5"}
        assert server.taken[0]["picture"] is None


@pytest.mark.parametrize(
    ("status", "header", "asked_s"),
    [(503, "7", 7.0), (429, "Wed, 21 Oct 2099 07:28:00 GMT", 2e9), (500, None, None), (502, "soon", None)],
)
def test_a_busy_server_says_when_to_come_again(
    status: int, header: str | None, asked_s: float | None, tmp_path: Path
) -> None:
    with webhook_server(tmp_path) as server:
        server.answers(status=status, headers={"Retry-After": header} if header else {})
        with pytest.raises(AlertSinkError, match=f"127.0.0.1 answered {status}") as failure:
            sink(server).send(notice())
    assert not isinstance(failure.value, AlertRefusedError)
    if asked_s is None:
        assert failure.value.retry_after_s is None
    else:
        assert failure.value.retry_after_s is not None
        assert failure.value.retry_after_s == pytest.approx(asked_s, rel=0.5)


@pytest.mark.parametrize(("status", "refused"), [(400, True), (422, True), (401, False), (404, False)])
def test_a_message_is_refused_or_the_settings_are_wrong(status: int, refused: bool, tmp_path: Path) -> None:
    with webhook_server(tmp_path) as server:
        server.answers(status=status)
        with pytest.raises(AlertSinkError) as failure:
            sink(server).send(notice())
    assert isinstance(failure.value, AlertRefusedError) is refused
    assert ("check address and secret" in str(failure.value)) is not refused


def test_no_redirect_is_followed(tmp_path: Path) -> None:
    for name in ("meant", "other"):
        (tmp_path / name).mkdir()
    with webhook_server(tmp_path / "meant") as meant, webhook_server(tmp_path / "other") as other:
        meant.answers(status=307, headers={"Location": other.url})
        with pytest.raises(AlertSinkError, match=r"redirects to 127.0.0.1, which is not followed"):
            sink(meant).send(notice())
        assert other.requests == []


def test_the_whole_address_may_be_a_secret(tmp_path: Path) -> None:
    with webhook_server(tmp_path) as server:
        address = tmp_path / "address"
        address.write_text(f"http://user:swordfish@127.0.0.1:{server.port}/T0KEN\n")
        address.chmod(0o600)
        tells = sink(server, url={"file": str(address)})
        tells.send(notice())
        assert server.requests[0]["path"] == "/T0KEN"
        server.stop()
        with pytest.raises(AlertSinkError) as failure:
            tells.send(notice())
    assert str(failure.value) == "127.0.0.1 cannot be reached"


def test_a_certificate_is_checked(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    for name in ("good", "bad"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / f"{name}.key",
             "-out", tmp_path / f"{name}.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "good.pem", tmp_path / "good.key")
    Receiver.folder = tmp_path
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"https://127.0.0.1:{server.server_address[1]}/hook"

        def tells(**options: object) -> AlertSink:
            return open_sink(SINK.validate_python({"kind": "webhook", "options": {"url": url, **options}}))

        for options in ({}, {"ca_file": str(tmp_path / "bad.pem")}):
            with pytest.raises(AlertSinkError, match="certificate that is not trusted"):
                tells(**options).send(notice())
        assert not (tmp_path / "received.jsonl").exists()
        tells(ca_file=str(tmp_path / "good.pem")).send(notice())
        server.shutdown()
    assert (tmp_path / "received.jsonl").exists()


def test_the_environment_s_proxy_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with webhook_server(tmp_path) as server:
        sink(server).send(notice())
        assert len(server.taken) == 1
