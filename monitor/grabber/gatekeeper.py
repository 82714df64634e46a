"""Who may have frames: answers the ZeroMQ library's question about every key that knocks (ZAP, RFC 27)."""

from __future__ import annotations

import logging

import zmq
from zmq.utils import z85

from monitor.clock import Clock, Instant
from monitor.errors import SourceError
from monitor.grabber.statistics import GrabberStatistics
from monitor.settings.stream import StreamKeys
from monitor.wire import ZAP_DOMAIN, HandshakeFailure, HandshakeWatch, serve_with_keys

_log = logging.getLogger(__name__)

_ZAP_ENDPOINT = "inproc://zeromq.zap.01"
_ZAP_VERSION = b"1.0"
_ZAP_FRAMES = 9
"""Routing id, empty, version, request id, domain, address, socket's identity, mechanism, key."""
_LONGEST_HANDSHAKE_MS = 5_000
_QUESTIONS_PER_TURN = 256
_REMIND_S = 60.0


class Gatekeeper:
    """Guards one socket. Lives in that socket's thread, and never waits."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        guarded: zmq.Socket[bytes],
        keys: StreamKeys,
        clock: Clock,
        statistics: GrabberStatistics,
    ) -> None:
        """Guard the socket before it is bound. Raises SettingsError for keys that do not do."""
        self._listeners = frozenset(key.encode("ascii") for key in keys.listeners)
        self._clock = clock
        self._statistics = statistics
        self._said: Instant | None = None
        self._unsaid = 0
        serve_with_keys(guarded, keys)
        # Who only opens connections and says nothing is hung up on.
        guarded.setsockopt(zmq.HANDSHAKE_IVL, _LONGEST_HANDSHAKE_MS)
        self._questions = context.socket(zmq.ROUTER)
        self._questions.setsockopt(zmq.LINGER, 0)
        try:
            self._questions.bind(_ZAP_ENDPOINT)
        except zmq.ZMQError as error:
            self._questions.close()
            raise SourceError(f"the keys of the stream cannot be guarded ({error.strerror})") from error
        self._watch = HandshakeWatch(context, guarded)

    @property
    def sockets(self) -> tuple[zmq.Socket[bytes], ...]:
        """Where something is to be done once they are readable."""
        return self._questions, self._watch.socket

    def tend(self) -> None:
        """Answer who waits at the gate, and count who was refused."""
        for _ in range(_QUESTIONS_PER_TURN):
            try:
                question = self._questions.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            self._answer(question)
        # A refused key is counted where it is refused, with the key.
        for failure in self._watch.failures():
            if failure is not HandshakeFailure.REFUSED:
                self._refused("somebody without a key, or with another grabber's, or who speaks no ZeroMQ")

    def close(self) -> None:
        """Leave the gate; before the guarded socket is closed."""
        self._watch.close()
        self._questions.close()

    def _answer(self, question: list[bytes]) -> None:
        if len(question) != _ZAP_FRAMES:
            return  # nobody but the library itself can ask here
        route, empty, version, request, domain, address, _identity, mechanism, raw_key = question
        key = z85.encode(raw_key) if mechanism == b"CURVE" else b""
        known = version == _ZAP_VERSION and domain == ZAP_DOMAIN and key in self._listeners
        verdict = [b"200", b"OK", key] if known else [b"400", b"not a listener", b""]
        self._questions.send_multipart([route, empty, _ZAP_VERSION, request, *verdict, b""], zmq.NOBLOCK)
        if not known:
            shown = address.decode("ascii", "replace")
            self._refused(f"the key {key.decode('ascii')} at {shown}, which is not in stream.keys.listeners")

    def _refused(self, whom: str) -> None:
        self._statistics.refused += 1
        self._unsaid += 1
        now = self._clock.now()
        if self._said is None or now.seconds_since(self._said) >= _REMIND_S:
            _log.warning("refused %s; connections refused since the last such line: %d", whom, self._unsaid)
            self._said, self._unsaid = now, 0
