"""The stream over real TCP: who has the right key gets frames, and nobody else gets anything."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import zmq
from pydantic import ValidationError

from monitor.camera import CameraDescription
from monitor.camera.pace import Pace
from monitor.clock import SystemClock
from monitor.errors import SettingsError, SourceError, UserError
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.grabber import Grabber
from monitor.settings.secrets import Secret
from monitor.settings.stream import StreamKeys, StreamSettings
from monitor.source import NoticeKind, connect_source
from monitor.source.protocol import FrameSource
from monitor.wire import Request, encode_request, make_key_pair
from tests.free_port import free_port

CLOCK = SystemClock()


class EndlessCamera:
    """Small frames, fifty a second."""

    def __init__(self) -> None:
        self._pace = Pace(CLOCK, 50.0)
        self._index = 0
        self._session = ""

    def open(self, session: str) -> None:
        self._pace.restart()
        self._session = session

    def frames(self) -> Iterator[Frame | FailedFrame]:
        while self._pace.wait_turn():
            image = np.full((32, 32), self._index % 256, np.uint8)
            image.flags.writeable = False
            yield Frame(image, self._session, self._index, CLOCK.now(), TimeSource.CAMERA, camera="endless")
            self._index += 1

    def close(self) -> None:
        self._pace.stop()

    def describe(self) -> CameraDescription:
        return CameraDescription("endless", live=True)


class Pair:
    """A key pair, its secret in a file as `crystal-monitor keys` makes it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.public, secret = make_key_pair()
        path = folder / f"{name}.key"
        path.write_text(f"{secret}\n")
        path.chmod(0o600)
        self.secret = Secret(file=path)


class Gate:
    """A grabber that serves with keys, in a thread of its own."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.grabber_pair, self.listener = Pair(folder, "grabber"), Pair(folder, "listener")
        self.endpoint = f"tcp://{host}:{free_port()}"
        keys = StreamKeys(grabber_secret=self.grabber_pair.secret, listeners=(self.listener.public,))
        self.grabber = Grabber(EndlessCamera(), StreamSettings(endpoint=self.endpoint, keys=keys), CLOCK)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.grabber.run, args=(self._stop,))
        self._thread.start()
        # The camera is opened once the socket is bound.
        assert eventually(lambda: self.grabber.statistics.grabbed > 0)

    @property
    def refused(self) -> int:
        return self.grabber.statistics.refused

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def settings(self, secret: Secret | None = None, grabber_public: str | None = None) -> StreamSettings:
        keys = StreamKeys(
            grabber_public=grabber_public or self.grabber_pair.public,
            listener_secret=secret or self.listener.secret,
        )
        return StreamSettings(endpoint=self.endpoint, keys=keys, silence_s=0.5, heartbeat_s=0.2)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture(autouse=True)
def _sockets_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    opened = Gate(tmp_path)
    yield opened
    opened.close()


@contextmanager
def listening(settings: StreamSettings) -> Iterator[FrameSource]:
    source = connect_source(settings, CLOCK)
    source.open()
    try:
        yield source
    finally:
        source.close()


def frames_within(source: FrameSource, seconds: float, enough: int = 5) -> int:
    end = time.monotonic() + seconds
    frames = 0
    while frames < enough and time.monotonic() < end:
        received = source.next(0.1)
        frames += received is not None and isinstance(received.item, Frame)
    return frames


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_the_right_key_gets_frames_and_the_wrong_ones_get_nothing(
    gate: Gate, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = Pair(tmp_path, "stranger")
    with listening(gate.settings()) as source:
        assert frames_within(source, 10) == 5, "the control"
        assert gate.refused == 0
    with caplog.at_level(logging.WARNING), listening(gate.settings(stranger.secret)) as source:
        assert frames_within(source, 1.5) == 0
        assert source.statistics.received == 0
        assert source.statistics.shut_out > 0
        assert f"add its public key {stranger.public} to stream.keys.listeners" in caplog.text
    assert gate.refused > 0
    assert f"refused the key {stranger.public} at 127.0.0.1" in caplog.text
    assert caplog.text.count("refused the key") == 1, "a line a minute at most, however often it tries"
    with listening(gate.settings()) as source:
        assert frames_within(source, 10) == 5, "and the right one is served all the same"
        assert source.statistics.grabber is not None
        assert source.statistics.grabber.refused == gate.refused, "the analysis is told how many were refused"


def test_the_analysis_speaks_to_no_other_grabber(
    gate: Gate, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = Pair(tmp_path, "other")
    with caplog.at_level(logging.ERROR), listening(gate.settings(grabber_public=other.public)) as source:
        assert frames_within(source, 1.5) == 0
        assert source.statistics.shut_out > 0
    assert "is not the grabber of stream.keys.grabber_public" in caplog.text
    assert eventually(lambda: gate.refused > 0)


def test_a_plain_client_gets_nothing_and_is_counted(gate: Gate) -> None:
    with listening(StreamSettings(endpoint=gate.endpoint, silence_s=0.5)) as source:
        notices = [received.item for _ in range(15) if (received := source.next(0.1)) is not None]
        assert [notice.kind for notice in notices] == [NoticeKind.STREAM_SILENT]  # type: ignore[union-attr]
        assert source.statistics.received == source.statistics.sessions == 0
    assert eventually(lambda: gate.refused > 0)
    assert gate.grabber.statistics.junk == gate.grabber.statistics.served == 0


def test_a_forged_plain_request_reaches_nobody(gate: Gate) -> None:
    context = zmq.Context()
    with context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.connect(gate.endpoint)
        dealer.send(encode_request(Request(1)))
        assert not dealer.poll(1000)
    context.term()
    assert gate.grabber.statistics.served == 0


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(60),
        b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE" + bytes(48) + os.urandom(5000),
        os.urandom(4096),
        b"",
    ],
    ids=["http", "plain greeting", "curve greeting and noise", "noise", "nothing"],
)
def test_what_speaks_no_zeromq_does_no_harm(gate: Gate, junk: bytes) -> None:
    host, port = gate.endpoint.removeprefix("tcp://").split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port)), timeout=5) as raw:
            try:
                raw.sendall(junk)
            except ConnectionError:
                continue  # it has hung up already
    with listening(gate.settings()) as source:
        assert frames_within(source, 10) == 5


def test_a_flood_of_connections_leaves_the_listener_its_frames(gate: Gate) -> None:
    host, port = gate.endpoint.removeprefix("tcp://").split(":")
    with listening(gate.settings()) as source:
        assert frames_within(source, 10) == 5, "the control"
        before = descriptors()
        with plain_flood(host, int(port), connections=300) as opened:
            assert opened == 300
            assert frames_within(source, 10, enough=20) == 20, "while 300 strangers hold connections open"
        assert eventually(lambda: descriptors() <= before + 2), "no descriptor stays behind"
        assert frames_within(source, 10) == 5


@contextmanager
def plain_flood(host: str, port: int, connections: int) -> Iterator[int]:
    raw = [socket.create_connection((host, port), timeout=5) for _ in range(connections)]
    try:
        yield len(raw)
    finally:
        for one in raw:
            one.close()


def test_who_says_nothing_is_hung_up_on(gate: Gate) -> None:
    host, port = gate.endpoint.removeprefix("tcp://").split(":")
    with socket.create_connection((host, int(port)), timeout=15) as raw:
        while raw.recv(4096):  # the greeting, then the end
            pass
    assert eventually(lambda: gate.refused > 0)


@pytest.mark.parametrize(
    "endpoint", ["tcp://0.0.0.0:5570", "tcp://*:5570", "tcp://192.168.7.2:5570", "tcp://cam:5570"]
)
def test_without_keys_nothing_leaves_the_machine(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="can be reached from other machines") as refused:
        StreamSettings(endpoint=endpoint)
    assert "crystal-monitor keys" in str(refused.value)
    assert StreamSettings(endpoint=endpoint, keys=StreamKeys()).keys is not None


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:*",
        "tcp://127.0.0.1:70000",
        "tcp://a;b:5570",
        "udp://x:1",
    ],
)
def test_an_address_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(ValidationError, match=r"tcp://HOST:PORT"):
        StreamSettings(endpoint=endpoint)


def test_loopback_needs_no_keys(tmp_path: Path) -> None:
    for endpoint in (
        "tcp://127.0.0.1:5570",
        "tcp://127.3.2.1:5570",
        "tcp://localhost:5570",
        "tcp://[::1]:5570",
    ):
        assert StreamSettings(endpoint=endpoint).session_file.parent == tmp_path
    settings = StreamSettings(endpoint=f"tcp://127.0.0.1:{free_port()}")
    stop = threading.Event()
    thread = threading.Thread(target=Grabber(EndlessCamera(), settings, CLOCK).run, args=(stop,))
    thread.start()
    try:
        with listening(settings) as source:
            assert frames_within(source, 10) == 5
    finally:
        stop.set()
        thread.join(10)


class TestKeysThatDoNotDo:
    def grab(self, keys: StreamKeys) -> str:
        settings = StreamSettings(endpoint=f"tcp://127.0.0.1:{free_port()}", keys=keys)
        with pytest.raises(UserError) as refused:
            Grabber(EndlessCamera(), settings, CLOCK).run(threading.Event())
        return str(refused.value)

    def listen(self, keys: StreamKeys) -> str:
        source = connect_source(StreamSettings(endpoint="tcp://127.0.0.1:5570", keys=keys), CLOCK)
        with pytest.raises(SettingsError) as refused:
            source.open()
        return str(refused.value)

    def test_at_the_grabber(self, tmp_path: Path) -> None:
        pair, other = Pair(tmp_path, "grabber"), Pair(tmp_path, "other")
        listeners = (other.public,)
        assert "listeners is empty" in self.grab(StreamKeys(grabber_secret=pair.secret))
        assert "grabber_secret, the grabber's secret key, is missing" in self.grab(
            StreamKeys(listeners=listeners)
        )
        told = self.grab(
            StreamKeys(grabber_secret=pair.secret, grabber_public=other.public, listeners=listeners)
        )
        assert f"which is {pair.public}" in told
        assert pair.secret.file is not None
        pair.secret.file.write_text("no key")
        assert "holds no secret key" in self.grab(StreamKeys(grabber_secret=pair.secret, listeners=listeners))
        pair.secret.file.chmod(0o644)
        assert "chmod 600" in self.grab(StreamKeys(grabber_secret=pair.secret, listeners=listeners))

    def test_at_the_analysis(self, tmp_path: Path) -> None:
        pair, other = Pair(tmp_path, "listener"), Pair(tmp_path, "grabber")
        assert "grabber_public is missing" in self.listen(StreamKeys(listener_secret=pair.secret))
        assert "listener_secret, the analysis' secret key, is missing" in self.listen(
            StreamKeys(grabber_public=other.public)
        )
        assert "grabber_public is no key" in self.listen(
            StreamKeys(grabber_public="#" * 40, listener_secret=pair.secret)
        )

    def test_a_port_that_is_taken_is_told(self, gate: Gate) -> None:
        settings = StreamSettings(endpoint=gate.endpoint.replace("127.0.0.1", "localhost"))
        with pytest.raises(SourceError, match="a port that is free"):
            Grabber(EndlessCamera(), settings, CLOCK).run(threading.Event())


def test_a_unix_socket_is_its_owners_alone_and_may_have_keys(tmp_path: Path) -> None:
    pair, listener = Pair(tmp_path, "grabber"), Pair(tmp_path, "listener")
    keys = StreamKeys(
        grabber_secret=pair.secret,
        listeners=(listener.public,),
        grabber_public=pair.public,
        listener_secret=listener.secret,
    )
    settings = StreamSettings(endpoint=f"ipc://{tmp_path}/f.ipc", keys=keys)
    stop = threading.Event()
    thread = threading.Thread(target=Grabber(EndlessCamera(), settings, CLOCK).run, args=(stop,))
    thread.start()
    try:
        with listening(settings) as source:
            assert frames_within(source, 10) == 5
        assert (tmp_path / "f.ipc").stat().st_mode & 0o777 == 0o600
    finally:
        stop.set()
        thread.join(10)
