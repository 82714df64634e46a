"""What the sources of both policies share: asking the grabber, reading its answers, keeping the ledger."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass

import zmq

from monitor.clock import NANOSECONDS_PER_SECOND, Clock, Instant
from monitor.errors import FrameDecodeError, SourceError
from monitor.frame import FailedFrame, Frame, FrameLoss
from monitor.settings.stream import StreamPolicy, StreamSettings
from monitor.source.ledger import LossReason, SessionLedger
from monitor.source.protocol import Notice, NoticeKind, Received
from monitor.source.statistics import SourceStatistics
from monitor.wire import (
    MAX_FRAME_BYTES,
    CameraNotice,
    EarlierSession,
    Envelope,
    Goodbye,
    GoodbyeReason,
    Heartbeat,
    Hello,
    Request,
    decode,
    encode_request,
)

_log = logging.getLogger(__name__)

_RETRY_S = 0.05
"""While the grabber is away: how often a question is tried again."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """How far an analysis had come before it was restarted."""

    session: str
    """The session of the last frame that it committed."""
    index: int
    """That frame's sequence number, or the last number of a loss that it committed, whichever is larger."""


class StreamSource:
    """Asks the grabber for one frame at a time. Subclasses state the policy and what a gap means under it.

    One question is open at a time, each with a number of its own; answers to older questions are discarded
    unread, so that a frame which arrived while the analysis was busy is never taken for a fresh one.
    """

    policy: StreamPolicy
    gap_reason: LossReason

    def __init__(self, settings: StreamSettings, clock: Clock, resume: ResumePoint | None = None) -> None:
        """`resume`: what an earlier process committed last; None where there was none."""
        self._settings = settings
        self._clock = clock
        self._ledger = (
            SessionLedger(resume.session, resume.index, resume.index) if resume else SessionLedger("")
        )
        self._ended = False
        self._statistics = SourceStatistics()
        self._malformed_before = 0
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._socket: zmq.Socket[bytes] | None = None
        self._poller = zmq.Poller()
        self._serial = 0
        self._asked = False
        self._introduced = False
        self._notices_after = 0
        self._unreadable = False
        self._camera = ""
        self._camera_running = True
        self._silent = False
        self._heard_ns = 0
        self._left_ns = 0
        self._asked_ns = 0
        self._not_before_ns = 0
        self._ready: deque[Received] = deque()

    @property
    def statistics(self) -> SourceStatistics:
        """See `FrameSource`."""
        return self._statistics

    @property
    def finished(self) -> bool:
        """See `FrameSource`: a live stream never is, for the grabber may start again."""
        return False

    def open(self) -> None:
        """See `FrameSource`. Connects in the background: the grabber may start later."""
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        # A question asked while nobody is connected would be stale when somebody is.
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.setsockopt(zmq.SNDHWM, 4)
        self._socket.setsockopt(zmq.RCVHWM, 4)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        self._socket.connect(self._settings.endpoint)
        self._poller.register(self._socket, zmq.POLLIN)
        self._heard_ns = self._left_ns = self._now_ns()

    def close(self) -> None:
        """See `FrameSource`."""
        if self._socket is not None:
            self._poller.unregister(self._socket)
            self._socket.close(linger=0)
            self._socket = None
        if self._context is not None:
            self._context.term()
            self._context = None

    def next(self, timeout_s: float) -> Received | None:
        """See `FrameSource`. Raises SourceError where the grabber serves another policy."""
        if self._ready:
            return self._ready.popleft()
        now_ns = self._now_ns()
        # The time that the analysis spent on the last frame is no silence of the grabber's.
        self._heard_ns += now_ns - self._left_ns
        try:
            return self._wait(now_ns + round(timeout_s * NANOSECONDS_PER_SECOND))
        finally:
            self._left_ns = self._now_ns()

    def _wait(self, end_ns: int) -> Received | None:
        self._asked = False
        patience_ns = 2 * self._settings.heartbeat_s * NANOSECONDS_PER_SECOND
        while True:
            now_ns = self._now_ns()
            # An open question is asked again where two heartbeats in answer to it are missing.
            overdue = self._asked and now_ns - self._asked_ns > patience_ns
            if (overdue or not self._asked) and now_ns >= self._not_before_ns:
                self._ask(now_ns)
            remaining_s = (end_ns - now_ns) / NANOSECONDS_PER_SECOND
            longest_s = self._settings.heartbeat_s if self._asked else _RETRY_S
            if self._poller.poll(round(1000 * max(0.0, min(remaining_s, longest_s)))):
                self._take()
            self._watch_silence()
            if self._ready:
                return self._ready.popleft()
            if remaining_s <= 0:
                return None

    def _ask(self, now_ns: int) -> None:
        assert self._socket is not None, "open comes before next"
        self._serial += 1
        self._asked_ns = now_ns
        request = Request(
            serial=self._serial,
            session=self._ledger.session if self._introduced else "",
            after=self._ledger.considered if self._introduced else -1,
            notices_after=self._notices_after,
            unreadable=self._unreadable,
        )
        try:
            self._socket.send(encode_request(request), zmq.NOBLOCK)
        except zmq.Again:
            self._asked = False
            return
        self._asked = True
        self._unreadable = False

    def _take(self) -> None:
        """Read one message."""
        assert self._socket is not None
        try:
            parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return
        try:
            envelope = decode([part.buffer for part in parts])
        except FrameDecodeError as error:
            _log.warning("a message from the grabber was dropped: %s", error)
            self._statistics.malformed += 1
            self._unreadable = True
            self._pause(_RETRY_S)
            return
        self._heard_ns = self._now_ns()
        self._end_silence()
        # A goodbye may come unasked, and is true for ever.
        if envelope.reply_to == self._serial or isinstance(envelope.payload, Goodbye):
            self._asked = False
            self._sort(envelope)

    def _pause(self, seconds: float) -> None:
        """Ask no new question for a while: an answer at once would be the same again."""
        self._asked = False
        self._not_before_ns = self._now_ns() + round(seconds * NANOSECONDS_PER_SECOND)

    def _sort(self, envelope: Envelope) -> None:
        payload = envelope.payload
        if isinstance(payload, Hello):
            self._meet(envelope, payload)
            return
        if envelope.session != self._ledger.session:
            self._introduced = False
            return
        self._ledger.newest = max(self._ledger.newest, envelope.newest_index)
        match payload:
            case Frame() | FailedFrame():
                self._receive(envelope, payload)
            case CameraNotice():
                self._notices_after = max(self._notices_after, payload.serial)
                self._tell_camera(running=payload.running, at=payload.at, message=payload.message)
            case Heartbeat():
                pass
            case Goodbye():
                self._part(envelope.newest_index, payload)

    def _meet(self, envelope: Envelope, hello: Hello) -> None:
        if hello.policy is not self.policy:
            raise SourceError(
                f"the grabber at {self._settings.endpoint} serves the policy {hello.policy.value!r}, the "
                f"analysis "
                f"expects {self.policy.value!r}: start both with the same configuration"
            )
        resumed = envelope.session == self._ledger.session
        losses: list[FrameLoss] = []
        if not resumed:
            losses = self._close_accounts(hello.earlier)
            self._ledger = SessionLedger(envelope.session)
        self._ledger.newest = max(self._ledger.newest, envelope.newest_index)
        self._introduced = True
        self._ended = False
        self._camera = hello.camera
        self._notices_after = hello.notice_serial
        self._statistics.sessions += 1
        self._put(
            self._notice(NoticeKind.SESSION_STARTED, hello.started, f"session of {hello.camera}"), losses
        )
        self._tell_camera(hello.camera_running, hello.started, "the camera is lost")

    def _close_accounts(self, earlier: tuple[EarlierSession, ...]) -> list[FrameLoss]:
        """What sessions lost that ended without our hearing of it: the one that we knew, and those after
        it."""
        known = self._ledger
        if not known.session:
            return []
        places = [place for place, entry in enumerate(earlier) if entry.session == known.session]
        missed = earlier[: places[0]] if places else ()
        losses: list[FrameLoss] = []
        if not self._ended:
            last = max(known.newest, earlier[places[0]].last_index if places else -1)
            losses += known.end(last, LossReason.UNKNOWN)
            if self._introduced:
                message = "the grabber's last session ended without a goodbye"
                self._put(self._notice(NoticeKind.SESSION_BROKEN, self._now(), message), losses)
                losses = []
        for entry in reversed(missed):
            losses += SessionLedger(entry.session, field=known.field).end(
                entry.last_index, LossReason.UNKNOWN
            )
        return losses

    def _receive(self, envelope: Envelope, frame: Frame | FailedFrame) -> None:
        if not self._ledger.is_new(frame.frame_index):
            return
        decode_failed = self._statistics.malformed > self._malformed_before
        sent_reason = LossReason.DECODE if decode_failed else self.gap_reason
        self._malformed_before = self._statistics.malformed
        losses = self._ledger.arrive(frame.frame_index, self.gap_reason, envelope.served_before, sent_reason)
        self._ledger.field = frame.field
        self._statistics.received += 1
        self._statistics.failed += isinstance(frame, FailedFrame)
        self._put(frame, losses, self._age_s(envelope, frame))

    def _part(self, last_index: int, goodbye: Goodbye) -> None:
        if self._ended:
            self._pause(self._settings.heartbeat_s)
            return
        losses = self._ledger.end(last_index, self.gap_reason)
        self._ended = True
        exhausted = goodbye.reason is GoodbyeReason.EXHAUSTED
        kind = NoticeKind.SESSION_EXHAUSTED if exhausted else NoticeKind.SESSION_ENDED
        message = f"{self._camera} has no more frames" if exhausted else "the grabber was stopped"
        self._put(self._notice(kind, goodbye.at, message), losses)

    def _tell_camera(self, *, running: bool, at: Instant, message: str) -> None:
        if running == self._camera_running:
            return
        self._camera_running = running
        kind = NoticeKind.CAMERA_BACK if running else NoticeKind.CAMERA_LOST
        self._put(self._notice(kind, at, message if not running else f"{self._camera} gives frames again"))

    def _watch_silence(self) -> None:
        if self._silent or self._ended:
            return
        silent_s = (self._now_ns() - self._heard_ns) / NANOSECONDS_PER_SECOND
        if silent_s > self._settings.silence_s:
            self._silent = True
            message = f"no sign of life from the grabber for {silent_s:.1f} s: is it running?"
            self._put(self._notice(NoticeKind.STREAM_SILENT, self._now(), message))

    def _end_silence(self) -> None:
        if self._silent:
            self._silent = False
            self._put(self._notice(NoticeKind.STREAM_BACK, self._now(), "the grabber is heard again"))

    def _age_s(self, envelope: Envelope, frame: Frame | FailedFrame) -> float | None:
        now = self._now()
        if now.shares_boot(frame.captured):
            return now.seconds_since(frame.captured)
        if now.boot_id == envelope.boot_id and now.boottime_ns is not None:
            return (now.boottime_ns - envelope.grabbed_boottime_ns) / NANOSECONDS_PER_SECOND
        return None

    def _notice(self, kind: NoticeKind, at: Instant, message: str) -> Notice:
        return Notice(kind, self._ledger.session, at, message, self._camera)

    def _put(
        self,
        item: Frame | FailedFrame | Notice,
        losses: list[FrameLoss] | tuple[FrameLoss, ...] = (),
        age_s: float | None = None,
    ) -> None:
        self._statistics.lost += sum(loss.count for loss in losses)
        self._ready.append(Received(item, tuple(losses), age_s))

    def _now(self) -> Instant:
        return self._clock.now()

    def _now_ns(self) -> int:
        boottime_ns = self._clock.now().boottime_ns
        assert boottime_ns is not None, "the analysis' clock must measure CLOCK_BOOTTIME"
        return boottime_ns
