"""What the sources of both policies share: reading the grabber's answers and keeping the ledger."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.clock import NANOSECONDS_PER_SECOND, Clock, Instant
from monitor.errors import SourceError
from monitor.frame import DEFAULT_FIELD, FailedFrame, Frame, FrameLoss
from monitor.settings.stream import StreamPolicy, StreamSettings
from monitor.source.connection import GrabberConnection
from monitor.source.ledger import LossReason, SessionLedger
from monitor.source.protocol import Notice, NoticeKind, Received
from monitor.source.silence import SilenceWatch
from monitor.source.statistics import SourceStatistics
from monitor.wire import CameraNotice, EarlierSession, Envelope, Goodbye, GoodbyeReason, Heartbeat, Hello


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """How far an analysis had come before it was restarted."""

    session: str
    """The session of the last frame that it committed."""
    index: int
    """That frame's sequence number, or the last number of a loss that it committed, whichever is larger."""
    ended: bool = False
    """Whether the end of that session is committed as well."""


class StreamSource:
    """Asks the grabber for one frame at a time. Subclasses state the policy and what a gap means under it.

    One question is open at a time, each with a number of its own; answers to older questions are discarded,
    so that a frame which arrived while the analysis was busy is never taken for a fresh one.
    """

    policy: StreamPolicy
    gap_reason: LossReason

    def __init__(
        self,
        settings: StreamSettings,
        clock: Clock,
        resume: Sequence[ResumePoint] = (),
        field: str = DEFAULT_FIELD,
    ) -> None:
        """Not connected yet.

        Args:
            settings: the stream.
            clock: must measure CLOCK_BOOTTIME.
            resume: what earlier processes committed last of each session, newest first. The first one counts that
                the grabber knows of: a replay into the same store leaves sessions that are none of its.
            field: of losses before the first frame.
        """
        self._settings = settings
        self._clock = clock
        self._ledger = SessionLedger("", field=field)
        self._ended_before = False
        self._resume = tuple(resume)
        if self._resume:
            self._go_on_from(self._resume[0])
        self._statistics = SourceStatistics()
        self._connection: GrabberConnection | None = None
        self._silence = SilenceWatch(settings.silence_s)
        self._ready: deque[Received] = deque()
        self._introduced = False
        self._ended = False
        self._notices_after = 0
        self._malformed_before = 0
        self._camera = ""
        self._camera_running = True

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
        self._connection = GrabberConnection(self._settings, self._clock, self._statistics)

    def close(self) -> None:
        """See `FrameSource`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def next(self, timeout_s: float) -> Received | None:
        """See `FrameSource`. Raises SourceError where the grabber serves another policy."""
        connection = self._connection
        assert connection is not None, "open comes before next"
        connection.forget()
        begun = asked = self._clock.now()
        while not self._ready:
            known = self._introduced
            connection.ask(
                session=self._ledger.session if known else "",
                after=self._ledger.considered if known else -1,
                notices_after=self._notices_after if known else 0,
            )
            envelope = connection.receive(timeout_s - asked.seconds_since(begun))
            now = self._clock.now()
            if envelope is not None:
                if self._silence.hear():
                    self._put(self._notice(NoticeKind.STREAM_BACK, now, "the grabber is heard again"))
                self._sort(envelope, connection)
            elif not self._ended and self._silence.wait(now.seconds_since(asked)):
                message = (
                    f"no sign of life from the grabber for {self._silence.waited_s:.1f} s: is it running?"
                )
                self._put(self._notice(NoticeKind.STREAM_SILENT, now, message))
                self._statistics.camera_running = None
            elif now.seconds_since(begun) >= timeout_s and not self._ready:
                return None
            asked = now
        return self._ready.popleft()

    def _sort(self, envelope: Envelope, connection: GrabberConnection) -> None:
        payload = envelope.payload
        if isinstance(payload, Hello):
            if not self._introduced or envelope.session != self._ledger.session:
                self._meet(envelope, payload)
            return
        if envelope.session != self._ledger.session:
            self._introduced = False
            return
        self._ledger.newest = max(self._ledger.newest, envelope.newest_index)
        self._statistics.grabber = envelope.counts
        match payload:
            case Frame() | FailedFrame():
                self._statistics.camera_running = True
                self._receive(envelope, payload)
            case CameraNotice():
                self._notices_after = max(self._notices_after, payload.serial)
                self._tell_camera(running=payload.running, at=payload.at, message=payload.message)
            case Heartbeat():
                self._statistics.camera_running = payload.camera_running
            case Goodbye() if self._ended:
                connection.pause(self._settings.heartbeat_s)
            case Goodbye():
                self._part(envelope.newest_index, payload)
        self._statistics.behind = max(0, self._ledger.newest - self._ledger.considered)

    def _go_on_from(self, point: ResumePoint) -> None:
        self._ledger = SessionLedger(point.session, point.index, point.index, self._ledger.field)
        self._ended_before = point.ended

    def _meet(self, envelope: Envelope, hello: Hello) -> None:
        if hello.policy is not self.policy:
            raise SourceError(
                f"the grabber at {self._settings.endpoint} serves the policy {hello.policy.value!r}, the "
                f"analysis "
                f"expects {self.policy.value!r}: start both with the same configuration"
            )
        of_grabber = {envelope.session, *(entry.session for entry in hello.earlier)}
        for point in self._resume:
            if point.session in of_grabber:
                self._go_on_from(point)
                break
        self._resume = ()
        resumed = envelope.session == self._ledger.session
        losses: list[FrameLoss] = []
        if not resumed:
            losses = self._close_accounts(hello.earlier)
            self._ledger = SessionLedger(envelope.session, field=self._ledger.field)
        self._ledger.newest = max(self._ledger.newest, envelope.newest_index)
        self._introduced = True
        self._ended = self._ended_before = False
        self._camera = hello.camera
        # While the camera is lost, the grabber is asked for its last notice: it says why.
        self._notices_after = hello.notice_serial if hello.camera_running else max(0, hello.notice_serial - 1)
        self._statistics.sessions += 1
        self._statistics.camera_running = hello.camera_running
        message = f"session of {hello.camera}"
        self._put(self._notice(NoticeKind.SESSION_STARTED, hello.started, message), losses)
        if hello.camera_running:
            self._tell_camera(running=True, at=hello.started, message="")

    def _close_accounts(self, earlier: tuple[EarlierSession, ...]) -> list[FrameLoss]:
        """What sessions lost that ended without our hearing of it: the one that we knew, and those after
        it."""
        known = self._ledger
        if not known.session:
            return []
        places = [place for place, entry in enumerate(earlier) if entry.session == known.session]
        missed = earlier[: places[0]] if places else ()
        losses: list[FrameLoss] = []
        if not (self._ended or self._ended_before):
            last = max(known.newest, earlier[places[0]].last_index if places else -1)
            losses += known.end(last, LossReason.UNKNOWN)
            message = "the grabber's last session ended, and no goodbye was heard"
            self._put(self._notice(NoticeKind.SESSION_BROKEN, self._clock.now(), message), losses)
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
        losses = self._ledger.end(last_index, self.gap_reason)
        self._ended = True
        exhausted = goodbye.reason is GoodbyeReason.EXHAUSTED
        kind = NoticeKind.SESSION_EXHAUSTED if exhausted else NoticeKind.SESSION_ENDED
        message = f"{self._camera} has no more frames" if exhausted else "the grabber was stopped"
        self._put(self._notice(kind, goodbye.at, message), losses)

    def _tell_camera(self, *, running: bool, at: Instant, message: str) -> None:
        self._statistics.camera_running = running
        if running == self._camera_running:
            return
        self._camera_running = running
        kind = NoticeKind.CAMERA_BACK if running else NoticeKind.CAMERA_LOST
        self._put(self._notice(kind, at, message if not running else f"{self._camera} is back"))

    def _age_s(self, envelope: Envelope, frame: Frame | FailedFrame) -> float | None:
        now = self._clock.now()
        if now.shares_boot(frame.captured):
            return now.seconds_since(frame.captured)
        if now.boot_id == envelope.boot_id and now.boottime_ns is not None:
            return (now.boottime_ns - envelope.grabbed_boottime_ns) / NANOSECONDS_PER_SECOND
        return None

    def _notice(self, kind: NoticeKind, at: Instant, message: str) -> Notice:
        return Notice(kind, self._ledger.session, at, message, self._camera)

    def _put(
        self, item: Frame | FailedFrame | Notice, losses: Sequence[FrameLoss] = (), age_s: float | None = None
    ) -> None:
        for loss in losses:
            self._statistics.lost += loss.count
            self._statistics.lost_by_reason[loss.reason] += loss.count
        self._ready.append(Received(item, tuple(losses), age_s))
