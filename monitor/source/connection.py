"""The socket's side of a stream source: one open question at a time, answers to older ones never used."""

from __future__ import annotations

import logging

import zmq

from monitor.clock import NANOSECONDS_PER_SECOND, Clock, Instant
from monitor.errors import FrameDecodeError, SettingsError
from monitor.settings.endpoints import socket_path
from monitor.settings.stream import StreamSettings
from monitor.source.statistics import SourceStatistics
from monitor.wire import (
    MAX_FRAME_BYTES,
    Envelope,
    Goodbye,
    HandshakeFailure,
    HandshakeWatch,
    Request,
    connect_with_keys,
    decode,
    encode_request,
)

_log = logging.getLogger(__name__)

_ASK_AGAIN_S = 0.25
"""After how long a question is asked again: a grabber that was killed meanwhile took it with it."""
_RETRY_S = 0.05
"""How long after a failure to ask, or to read the answer, the next question is tried."""
_REMIND_S = 60.0
"""While the grabber does not let us in, the log says so this often."""
_TCP_SIGN_OF_LIFE_MS = 3_000
_TCP_SILENCE_MS = 10_000
"""A network that was cut tells nobody: the library asks for signs of life, and connects anew without them."""


class GrabberConnection:
    """Asks a grabber and reads its answers. Not thread-safe.

    ZMQ_IMMEDIATE stays off: with it, libzmq drops what came before a disconnection and was not read yet, and
    a busy analysis would miss the goodbye of a grabber that has ended.
    """

    def __init__(self, settings: StreamSettings, clock: Clock, statistics: SourceStatistics) -> None:
        """Connects in the background: the grabber may start later. Raises SettingsError for keys that do not do."""
        self._clock = clock
        self._statistics = statistics
        self._endpoint = settings.endpoint
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDHWM, 4)
        self._socket.setsockopt(zmq.RCVHWM, 4)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        self._watch: HandshakeWatch | None = None
        self._own_key = ""
        self._told_shut_out: Instant | None = None
        try:
            self._connect(settings)
        except SettingsError:
            self.close()
            raise
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._serial = 0
        self._first_serial = 1
        self._open = False
        self._asked_ns = 0
        self._not_before_ns = 0
        self._unreadable = False

    def _connect(self, settings: StreamSettings) -> None:
        if settings.keys is not None:
            self._own_key = connect_with_keys(self._socket, settings.keys)
            self._watch = HandshakeWatch(self._context, self._socket)
        if socket_path(settings.endpoint) is None:
            self._socket.setsockopt(zmq.IPV6, int("[" in settings.endpoint))
            self._socket.setsockopt(zmq.HEARTBEAT_IVL, _TCP_SIGN_OF_LIFE_MS)
            self._socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, _TCP_SILENCE_MS)
        try:
            self._socket.connect(settings.endpoint)
        except zmq.ZMQError as error:
            raise SettingsError(
                f"the stream's endpoint {settings.endpoint!r} cannot be connected to ({error.strerror}): correct "
                "stream.endpoint"
            ) from error

    def close(self) -> None:
        """Close the socket."""
        if self._watch is not None:
            self._watch.close()
        self._socket.close(linger=0)
        self._context.term()

    def forget(self) -> None:
        """What was asked before does not count: an answer to it may be old by now."""
        self._open = False
        self._first_serial = self._serial + 1

    def pause(self, seconds: float) -> None:
        """Ask no new question for a while: an answer at once would be the same again."""
        self._open = False
        self._not_before_ns = self._now_ns() + round(seconds * NANOSECONDS_PER_SECOND)

    def ask(self, session: str, after: int, notices_after: int) -> None:
        """Ask what comes after that, unless it was asked a moment ago."""
        now_ns = self._now_ns()
        overdue = now_ns - self._asked_ns > _ASK_AGAIN_S * NANOSECONDS_PER_SECOND
        if (self._open and not overdue) or now_ns < self._not_before_ns:
            return
        self._serial += 1
        self._asked_ns = now_ns
        request = Request(self._serial, session, after, notices_after, self._unreadable)
        try:
            self._socket.send(encode_request(request), zmq.NOBLOCK)
        except zmq.Again:
            self._open = False
            return
        self._open = True
        self._unreadable = False

    def receive(self, timeout_s: float) -> Envelope | None:
        """The next answer to a question since `forget`, or a goodbye; None if none came within `timeout_s`.

        May return earlier with None: when a message was dropped, or a question is due.
        """
        self._tell_if_shut_out()
        longest_s = _ASK_AGAIN_S if self._open else _RETRY_S
        if not self._poller.poll(round(1000 * max(0.0, min(timeout_s, longest_s)))):
            return None
        try:
            parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return None
        try:
            envelope = decode([part.buffer for part in parts])
        except FrameDecodeError as error:
            _log.warning("a message from the grabber was dropped: %s", error)
            self._statistics.malformed += 1
            self._unreadable = True
            self.pause(_RETRY_S)
            return None
        # A goodbye may come unasked, and is true for ever.
        if envelope.reply_to < self._first_serial and not isinstance(envelope.payload, Goodbye):
            return None
        self._open = False
        return envelope

    def _tell_if_shut_out(self) -> None:
        """A wrong key looks like a grabber that is not there: say what it is."""
        failures = self._watch.failures() if self._watch is not None else []
        if not failures:
            return
        self._statistics.shut_out += len(failures)
        now = self._clock.now()
        if self._told_shut_out is not None and now.seconds_since(self._told_shut_out) < _REMIND_S:
            return
        self._told_shut_out = now
        if HandshakeFailure.REFUSED in failures:
            _log.error(
                "the grabber at %s does not let this station in: add its public key %s to stream.keys.listeners there",
                self._endpoint,
                self._own_key,
            )
        else:
            _log.error(
                "what answers at %s is not the grabber of stream.keys.grabber_public, or serves without keys (%s)",
                self._endpoint,
                failures[-1],
            )

    def _now_ns(self) -> int:
        boottime_ns = self._clock.now().boottime_ns
        assert boottime_ns is not None, "the analysis' clock must measure CLOCK_BOOTTIME"
        return boottime_ns
