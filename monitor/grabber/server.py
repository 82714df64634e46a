"""The socket's side of the grabber: one question, at most one answer, nothing ever waited for."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import zmq

from monitor.clock import NANOSECONDS_PER_SECOND, Clock, Instant
from monitor.errors import FrameDecodeError, SourceError, UserError
from monitor.grabber.acquisition import Acquisition, Phase
from monitor.grabber.gatekeeper import Gatekeeper
from monitor.grabber.hold import Hold
from monitor.grabber.statistics import GrabberStatistics
from monitor.settings.endpoints import socket_path
from monitor.settings.stream import StreamSettings
from monitor.wire import (
    EarlierSession,
    Envelope,
    Goodbye,
    GoodbyeReason,
    Heartbeat,
    Hello,
    Payload,
    Request,
    decode_request,
    encode,
)

_MOST_LISTENERS = 64
_REQUESTS_PER_TURN = 256
_ANSWERS_IN_FLIGHT = 2


@dataclass(slots=True)
class _Listener:
    """One connection that asked for frames."""

    heard_ns: int
    request: Request | None = None
    """The question that is not answered yet."""
    parked_ns: int = 0
    served_index: int = -1
    told_goodbye: bool = False


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """What a `Hello` says of the session."""

    session: str
    """The session."""
    camera: str
    """The camera's name."""
    started: Instant
    """When it began."""
    earlier: tuple[EarlierSession, ...]
    """Sessions before, on the same endpoint."""


class FrameServer:
    """Answers the requests of listeners from a hold. Not thread-safe: one thread owns it and its socket."""

    def __init__(
        self,
        *,
        context: zmq.Context[zmq.Socket[bytes]],
        settings: StreamSettings,
        identity: SessionIdentity,
        hold: Hold,
        acquisition: Acquisition,
        clock: Clock,
        statistics: GrabberStatistics,
    ) -> None:
        """Bind the endpoint. Raises SourceError where that fails."""
        self._settings = settings
        self._identity = identity
        self._hold = hold
        self._acquisition = acquisition
        self._clock = clock
        self._statistics = statistics
        self._listeners: OrderedDict[bytes, _Listener] = OrderedDict()
        self._gatekeeper: Gatekeeper | None = None
        self.done_index = -1
        """Last sequence number that a listener is done with, and with all before."""
        self.socket = context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SNDHWM, _ANSWERS_IN_FLIGHT)
        self.socket.setsockopt(zmq.RCVHWM, _REQUESTS_PER_TURN)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        # A larger message closes the connection that it came from: nobody fills the grabber's memory.
        self.socket.setsockopt(zmq.MAXMSGSIZE, 65_536)
        try:
            if settings.keys is not None:
                self._gatekeeper = Gatekeeper(context, self.socket, settings.keys, clock, statistics)
            self._bind(settings.endpoint)
        except UserError:
            self.close()
            raise

    def _bind(self, endpoint: str) -> None:
        path = socket_path(endpoint)
        self.socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        try:
            self.socket.bind(endpoint)
            if path is not None:
                path.chmod(0o600)  # frames are the analysis' alone, whatever the folder
        except (zmq.ZMQError, OSError) as error:
            remedy = (
                "create its folder, let the grabber write there, or correct stream.endpoint"
                if path is not None
                else "name an address of this machine and a port that is free in stream.endpoint"
            )
            raise SourceError(
                f"the stream's endpoint {endpoint!r} cannot be served ({error.strerror}): {remedy}"
            ) from error

    @property
    def sockets(self) -> tuple[zmq.Socket[bytes], ...]:
        """Where something is to be received once they are readable."""
        return (self.socket, *(self._gatekeeper.sockets if self._gatekeeper is not None else ()))

    def close(self, linger_s: float = 0.0) -> None:
        """Close the socket; what was sent already may still leave within `linger_s`."""
        if self._gatekeeper is not None:
            self._gatekeeper.close()
        self.socket.close(linger=round(linger_s * 1000))

    def receive(self) -> None:
        """Take in the requests that have come, without waiting; let in and refuse who knocks."""
        if self._gatekeeper is not None:
            self._gatekeeper.tend()
        for _ in range(_REQUESTS_PER_TURN):
            try:
                identity, *parts = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            try:
                request = decode_request(parts)
            except FrameDecodeError:
                self._statistics.junk += 1
                continue
            known = request.session == self._identity.session
            if known and request.after > self._statistics.newest_index:
                self._statistics.junk += 1
                continue
            self._take(identity, request)

    def answer(self) -> None:
        """Answer every open question that can be answered now."""
        now_ns = self._now_ns()
        for identity in [name for name, listener in self._listeners.items() if listener.request is not None]:
            self._answer(identity, self._listeners[identity], now_ns)

    def say_goodbye(self, reason: GoodbyeReason) -> None:
        """Tell every listener that the session is over, asked or not."""
        goodbye = Goodbye(reason, self._clock.now())
        for identity, listener in list(self._listeners.items()):
            if listener.told_goodbye:
                continue
            serial = listener.request.serial if listener.request is not None else 0
            listener.told_goodbye = True
            self._send(identity, listener, goodbye, reply_to=serial)

    def all_told(self) -> bool:
        """Whether every listener that is still heard of has had its goodbye."""
        recent_ns = self._now_ns() - round(self._settings.silence_s * NANOSECONDS_PER_SECOND)
        return all(
            listener.told_goodbye or listener.heard_ns < recent_ns for listener in self._listeners.values()
        )

    @property
    def listeners(self) -> int:
        """Connections that asked for frames and are not known to be gone."""
        return len(self._listeners)

    def _take(self, identity: bytes, request: Request) -> None:
        listener = self._listeners.pop(identity, None) or _Listener(0)
        self._listeners[identity] = listener
        while len(self._listeners) > _MOST_LISTENERS:
            self._listeners.popitem(last=False)
        listener.heard_ns = self._now_ns()
        if listener.request is None:
            listener.parked_ns = listener.heard_ns
        listener.request = request
        if request.session == self._identity.session:
            self.done_index = max(self.done_index, request.after)
        if request.unreadable and request.session == self._identity.session:
            self._statistics.unreadable += 1
            self._hold.drop(listener.served_index)

    def _answer(self, identity: bytes, listener: _Listener, now_ns: int) -> None:
        request = listener.request
        assert request is not None
        if request.session != self._identity.session:
            self._reply(identity, listener, self._hello())
            return
        notice = self._acquisition.notice_after(request.notices_after)
        if notice is not None:
            self._reply(identity, listener, notice)
            return
        grabbed = self._hold.after(request.after)
        if grabbed is not None:
            if self._reply(identity, listener, grabbed.frame, grabbed.boottime_ns):
                listener.served_index = grabbed.frame.frame_index
                self._statistics.served += 1
            return
        if self._acquisition.phase is Phase.EXHAUSTED:
            reason = GoodbyeReason.STOPPED if self._acquisition.stopping else GoodbyeReason.EXHAUSTED
            listener.told_goodbye = self._reply(identity, listener, Goodbye(reason, self._clock.now()))
            return
        if now_ns - listener.parked_ns >= self._settings.heartbeat_s * NANOSECONDS_PER_SECOND:
            self._reply(identity, listener, Heartbeat(self._acquisition.camera_running))

    def _hello(self) -> Hello:
        return Hello(
            policy=self._settings.policy,
            camera=self._identity.camera,
            started=self._identity.started,
            camera_running=self._acquisition.camera_running,
            notice_serial=self._acquisition.notice_serial,
            earlier=self._identity.earlier,
        )

    def _reply(
        self,
        identity: bytes,
        listener: _Listener,
        payload: Payload,
        grabbed_ns: int | None = None,
    ) -> bool:
        assert listener.request is not None
        serial = listener.request.serial
        listener.request = None
        return self._send(identity, listener, payload, serial, grabbed_ns)

    def _send(
        self,
        identity: bytes,
        listener: _Listener,
        payload: Payload,
        reply_to: int,
        grabbed_ns: int | None = None,
    ) -> bool:
        now = self._clock.now()
        now_ns = now.boottime_ns or 0
        envelope = Envelope(
            session=self._identity.session,
            reply_to=reply_to,
            newest_index=self._statistics.newest_index,
            served_before=listener.served_index,
            boot_id=now.boot_id,
            grabbed_boottime_ns=now_ns if grabbed_ns is None else grabbed_ns,
            published_boottime_ns=now_ns,
            payload=payload,
            counts=self._statistics.counts,
        )
        try:
            self.socket.send_multipart([identity, *encode(envelope)], zmq.NOBLOCK, copy=False)
        except zmq.Again:
            # It asks without reading: its own loss, it may ask again.
            self._statistics.undelivered += 1
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._statistics.undelivered += 1
            self._listeners.pop(identity, None)
            return False
        return True

    def _now_ns(self) -> int:
        boottime_ns = self._clock.now().boottime_ns
        assert boottime_ns is not None, "the grabber's clock must measure CLOCK_BOOTTIME"
        return boottime_ns
