"""The analysis loop: receive, process, append, emit. Nothing else happens here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from monitor.analysis.commands import CommandServer
from monitor.analysis.emitting import Emitter
from monitor.analysis.fields import Fields
from monitor.analysis.runs import RunKeeper
from monitor.clock import Clock, Instant
from monitor.errors import StoreError
from monitor.frame import FailedFrame, Frame, FrameLoss
from monitor.records import Event, EventKind, FrameResult
from monitor.records.run import RunEvent, SessionEnded, SessionEndKind
from monitor.settings.station import StationSettings
from monitor.source import FrameSource, Notice, NoticeKind

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 0.2
"""Commands are answered and silence is noticed at least this often, seconds."""
RETRY_STORE_S = 1.0
"""Pause before a frame that the store could not take is offered again, seconds."""

_EVENTS = {
    NoticeKind.CAMERA_LOST: EventKind.CAMERA_LOST,
    NoticeKind.CAMERA_BACK: EventKind.CAMERA_BACK,
    NoticeKind.STREAM_SILENT: EventKind.CAMERA_LOST,
    NoticeKind.STREAM_BACK: EventKind.CAMERA_BACK,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """What the loop has done so far; for whoever shows it."""

    frames: int = 0
    """Frames considered and committed."""
    last: FrameResult | None = None
    """The last of them."""


class AnalysisLoop:
    """Takes frames from a source until it is told to stop or, in a replay, the source is finished."""

    def __init__(
        self,
        settings: StationSettings,
        clock: Clock,
        source: FrameSource,
        keeper: RunKeeper,
        fields: Fields,
        emitter: Emitter,
        commands: CommandServer | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """`on_progress` is called after every commit, in the loop's thread; it must be quick."""
        self._settings = settings
        self._clock = clock
        self._source = source
        self._keeper = keeper
        self._fields = fields
        self._emitter = emitter
        self._commands = commands
        self._on_progress = on_progress
        self._waiting_losses: list[FrameLoss] = []
        self._last_frame_at: Instant | None = None
        self.progress = Progress()
        self.exhausted = False
        """Whether the camera has said that it has no more frames."""

    def run(self, stop: threading.Event) -> Progress:
        """Go on until `stop` is set or no frame will ever come again."""
        next_due: Instant | None = None
        while not stop.is_set() and not self._source.finished and not self.exhausted:
            if self._commands is not None:
                self._commands.answer(self._keeper)
            now = self._clock.now()
            wait_s = 0.0 if next_due is None else next_due.seconds_since(now)
            if wait_s > 0:
                stop.wait(min(wait_s, LONGEST_WAIT_S))
                continue
            received = self._source.next(LONGEST_WAIT_S)
            if received is None:
                self._notice_silence()
                continue
            self._waiting_losses += received.losses
            if isinstance(received.item, Notice):
                self._take_notice(received.item)
                continue
            if self._settings.analysis.interval_s > 0:
                begun = now if next_due is None else self._clock.now()
                next_due = _later(begun, self._settings.analysis.interval_s)
            self._take_frame(received.item, received.age_s, stop)
        return self.progress

    def _take_frame(self, frame: Frame | FailedFrame, age_s: float | None, stop: threading.Event) -> None:
        self._last_frame_at = self._clock.now()
        run = self._keeper.run_for(frame)
        pipeline = self._fields.pipeline(run, frame.field)
        elapsed_s = run.elapsed_s(frame.captured)
        if isinstance(frame, FailedFrame):
            result = pipeline.consider_failed(frame, elapsed_s)
        else:
            result = pipeline.consider(frame, elapsed_s, age_s)
        losses = tuple(loss for loss in self._waiting_losses if loss.session == frame.session)
        kept = self._emitter.archive(frame, run.run_id, result)
        result = replace(
            result,
            losses=losses,
            archived=kept.archived,
            archived_before=kept.archived_before,
            archive_dropped=kept.archive_dropped,
        )
        if not self._append(result, stop):
            return
        self._waiting_losses = [loss for loss in self._waiting_losses if loss.session != frame.session]
        self.progress = Progress(self.progress.frames + 1, result)
        if result.alerts:
            self._emitter.emit(self._keeper)
        if self._on_progress is not None:
            self._on_progress(self.progress)

    def _append(self, result: FrameResult, stop: threading.Event) -> bool:
        """Commit, and try again for as long as the store cannot take it: the frame in hand is never thrown away."""
        said = False
        while True:
            try:
                self._keeper.append(result)
            except StoreError as error:
                if not said:
                    log.error("%s; the frame in hand is kept and offered again", error)
                    said = True
                if stop.wait(RETRY_STORE_S):
                    return False
            else:
                if said:
                    log.warning("the store takes frames again")
                return True

    def _take_notice(self, notice: Notice) -> None:
        log.info("%s", notice.message)
        if notice.kind is NoticeKind.SESSION_EXHAUSTED:
            self.exhausted = True
        if not self._keeper.open:
            return
        kind = _EVENTS.get(notice.kind)
        if kind is not None:
            self._keeper.record(RunEvent(notice.at, Event(kind, notice.message)))
        # Sessions that came and went while nobody listened: their losses come with the next one's greeting.
        for session in sorted({loss.session for loss in self._waiting_losses} - {notice.session}):
            missed = self._losses_of(session)
            self._keeper.record(SessionEnded(notice.at, session, SessionEndKind.UNKNOWN, losses=missed))
        ended = {
            NoticeKind.SESSION_ENDED: SessionEndKind.GOODBYE,
            NoticeKind.SESSION_EXHAUSTED: SessionEndKind.GOODBYE,
            NoticeKind.SESSION_BROKEN: SessionEndKind.UNKNOWN,
        }.get(notice.kind)
        if ended is not None:
            self._keeper.record(
                SessionEnded(notice.at, notice.session, ended, losses=self._losses_of(notice.session))
            )

    def _losses_of(self, session: str) -> tuple[FrameLoss, ...]:
        found = tuple(loss for loss in self._waiting_losses if loss.session == session)
        self._waiting_losses = [loss for loss in self._waiting_losses if loss.session != session]
        return found

    def _notice_silence(self) -> None:
        """Without frames time goes on: a field that nobody sees becomes blind, and that is stored and told."""
        if self._last_frame_at is None or not self._keeper.open:
            return
        now = self._clock.now()
        for observed in self._fields.silent(now, now.seconds_since(self._last_frame_at)):
            self._keeper.record(observed)
            if observed.alerts:
                self._emitter.emit(self._keeper)


def _later(moment: Instant, seconds: float) -> Instant:
    nanoseconds = round(seconds * 1e9)
    boottime_ns = None if moment.boottime_ns is None else moment.boottime_ns + nanoseconds
    return Instant(moment.utc_ns + nanoseconds, boottime_ns, moment.boot_id)
