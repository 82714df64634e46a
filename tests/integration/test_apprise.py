"""Apprise against real servers on this machine: HTTP and mail; what it says holds no secret."""

from __future__ import annotations

import email
import email.policy
import logging
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from monitor.alerts.sinks import AlertSink, AlertSinkError, open_sink
from monitor.clock import Instant
from monitor.errors import UserError
from monitor.records import Alert, AlertKind, AlertNotice
from monitor.settings.sinks import SinkSettings
from tests.free_port import free_port
from tests.webhook_receiver import webhook_server

SINK: TypeAdapter[SinkSettings] = TypeAdapter(SinkSettings)
PICTURE = b"\x89PNG" + bytes(range(256))


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as takes a message."""

    messages: list[EmailMessage]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (text := self.rfile.readline()) != b".\r\n":
                    lines.append(text.removeprefix(b".") if text.startswith(b"..") else text)
                message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                assert isinstance(message, EmailMessage)
                self.messages.append(message)
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 OK\r\n")
            if word == b"QUIT":
                return


@contextmanager
def mail_server() -> Iterator[tuple[int, list[EmailMessage]]]:
    Mailbox.messages = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1]), Mailbox.messages
        server.shutdown()


def notice(event_id: int = 5) -> AlertNotice:
    alert = Alert("size", AlertKind.SIZE, True, "largest crystal size 51 µm (alert above 50)", 51.0, 50.0, 7)
    at = Instant(1_700_000_000_000_000_000)
    return AlertNotice(event_id, 3, "A1", at, alert, key=f"k{event_id}", station="plate", picture=PICTURE)


def sink(folder: Path, *addresses: str) -> AlertSink:
    path = folder / "services"
    path.write_text("# who is told\n\n" + "\n".join(addresses) + "\n")
    path.chmod(0o600)
    return open_sink(SINK.validate_python({"kind": "apprise", "options": {"urls": {"file": str(path)}}}))


def test_a_mail_has_text_and_picture(tmp_path: Path) -> None:
    with mail_server() as (port, messages):
        sink(tmp_path, f"mailto://127.0.0.1:{port}?from=station@lab.example&to=me@lab.example").send(notice())
    (message,) = messages
    assert message["Subject"] == "Warning: size raised (plate · A1)"
    body = message.get_body(("plain",))
    assert body is not None
    assert "largest crystal size 51 µm (alert above 50)" in body.get_content()
    (attached,) = list(message.iter_attachments())
    assert attached.get_content() == PICTURE
    assert attached.get_filename() == "crystals.png"


def test_a_service_that_took_it_is_not_told_again_because_another_failed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with webhook_server(tmp_path / "a") as works, webhook_server(tmp_path / "b") as fails:
        fails.answers(status=500)
        tells = sink(tmp_path, f"json://127.0.0.1:{works.port}", f"json://127.0.0.1:{fails.port}")
        for _ in range(2):
            with pytest.raises(
                AlertSinkError, match=r"1 of 2 services .*service 2 \(json\): it answered 500"
            ):
                tells.send(notice())
        assert (len(works.requests), len(fails.requests)) == (1, 2)
        fails.answers(status=200)
        tells.send(notice())
        assert (len(works.requests), len(fails.requests)) == (1, 3)
        tells.send(notice(6))
        assert (len(works.requests), len(fails.requests)) == (2, 4)


SECRETS = ("swordfish", "T0KEN", "hidden.example", "me@lab")


@pytest.mark.parametrize(
    "address",
    [
        "json://user:swordfish@127.0.0.1:{port}/T0KEN?me@lab=hidden.example",
        "mailto://user:swordfish@127.0.0.1:{port}?smtp=127.0.0.1&from=a@hidden.example&to=me@lab.example",
        "xml://127.0.0.1:{port}/T0KEN/swordfish",
        "gotify://127.0.0.1:{port}/T0KENswordfish",
        "matrix://user:swordfish@127.0.0.1:{port}/#T0KEN?mode=off",
    ],
)
def test_nothing_that_is_said_holds_a_secret(
    address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(AlertSinkError) as failure:
        sink(tmp_path, address.format(port=free_port())).send(notice())
    said = capfd.readouterr()
    for text in (str(failure.value), repr(failure.value), caplog.text, said.out, said.err):
        assert not [word for word in SECRETS if word.lower() in text.lower()], text
    assert "did not take it: service 1" in str(failure.value)


@pytest.mark.parametrize("address", ["pigeon://swordfish", "swordfish", "mailto://"])
def test_an_address_that_is_none_is_refused_by_its_number(address: str, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"address 2 of the secret file .*services \((pigeon|\?|mailto)"
    ) as no:
        sink(tmp_path, "json://127.0.0.1:1", address)
    assert "swordfish" not in str(no.value)


def test_a_secret_without_an_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no address"):
        sink(tmp_path)
