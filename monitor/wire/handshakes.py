"""Connections that failed before a message could pass: no key, a wrong one, or no ZeroMQ at all."""

from __future__ import annotations

import itertools
from enum import StrEnum

import zmq
from zmq.utils.monitor import recv_monitor_message

_numbers = itertools.count(1)


class HandshakeFailure(StrEnum):
    """What failed."""

    REFUSED = "refused"
    """The other side does not let this key in."""
    NOT_UNDERSTOOD = "not understood"
    """The other side has no keys, or not those that were expected of it, or speaks something else."""
    BROKEN_OFF = "broken off"
    """The other side went away in the middle."""


_FAILURES = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: HandshakeFailure.REFUSED,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: HandshakeFailure.NOT_UNDERSTOOD,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: HandshakeFailure.BROKEN_OFF,
}
_EVENTS = sum(_FAILURES)


class HandshakeWatch:
    """Tells a socket's failed handshakes. Not thread-safe: belongs to the thread of the socket."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], watched: zmq.Socket[bytes]) -> None:
        """Watch from now on; before the socket is bound or connected, so that none is missed."""
        self._watched = watched
        address = f"inproc://handshakes-{next(_numbers)}"
        watched.monitor(address, _EVENTS)
        self.socket = context.socket(zmq.PAIR)
        """Readable where something failed."""
        # Without a bound: at a bound the library's own thread would wait for this one.
        self.socket.setsockopt(zmq.RCVHWM, 0)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(address)

    def failures(self) -> list[HandshakeFailure]:
        """What failed since the last time; never waits."""
        failed = []
        while self.socket.poll(0):
            told = recv_monitor_message(self.socket)
            failed.append(_FAILURES[zmq.Event(told["event"])])
        return failed

    def close(self) -> None:
        """Watch no more; before the socket is closed."""
        self._watched.monitor(None, 0)
        self.socket.close()
