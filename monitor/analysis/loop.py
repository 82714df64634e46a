"""The analysis loop: receive, process, append, emit. Nothing else happens here."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field

from monitor.analysis.commands import CommandServer
from monitor.analysis.emitting import Emitter
from monitor.analysis.fields import Fields
from monitor.analysis.losses import WaitingLosses
from monitor.analysis.persistence import NotStoredError, StoreWriter
from monitor.analysis.pipeline import FieldPipeline
from monitor.analysis.runs import RunKeeper
from monitor.analysis.stages import timed
from monitor.analysis.station_watch import StationWatch
from monitor.analysis.storage_watch import StorageWatch
from monitor.clock import Clock, Instant
from monitor.errors import EngineLostError
from monitor.frame import FailedFrame, Frame
from monitor.journal import about
from monitor.records import Event, EventKind, FrameResult
from monitor.records.run import (
    FramesPassedOver,
    Run,
    RunChange,
    RunEvent,
    SessionEnded,
    SessionEndKind,
    SilenceObserved,
)
from monitor.settings.station import StationSettings
from monitor.source import FrameSource, LossReason, Notice, NoticeKind, Received

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 0.2
"""Commands are answered and silence is noticed at least this often, seconds."""
_LAST_WORDS = 4
"""Notices that are heard after a stop, at most."""
_REPEATED_WAIT_S = 1.0
"""Frames that were considered before are in the ledger no later than this, seconds: so much a kill makes unknown."""

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
    silence: SilenceObserved | None = None
    """The last committed silence of a field, of those since the last frame; None where a frame was the last commit."""
    run: Run | None = None
    """The run that the last commit belongs to."""
    committed: Instant | None = None
    """When the last commit was done."""
    stages_s: Mapping[str, float] = dataclass_field(default_factory=dict)
    """Seconds that each stage of the last frame took: those of its pipeline, `archive`, `append`, and `frame` for all
    of them; and `emit`, the sending of what was committed before it."""


Observer = Callable[[Progress], None]
"""Called after every commit, of a frame or of a silence, in the loop's thread: it must be quick, and must not raise."""

Waiting = Callable[[str], None]
"""Called in the loop's thread with what it waits for, where nothing can be committed: the first frame of a run, or a
store that takes nothing. The loop goes round all the same."""


Idle = Callable[[float], bool]
"""Called in the loop's thread with how long it is about to wait, seconds; true where it did something instead, which
must not take longer than a frame may wait."""


Repeated = Callable[[Run, Frame | FailedFrame], bool]
"""Whether an earlier session of the run brought this very frame, and it was considered. Raises StoreError."""


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
        observers: Sequence[Observer] = (),
        waiting: Waiting | None = None,
    ) -> None:
        """`observers` are called in this order after every commit, before the alerts of that commit are sent."""
        self._settings = settings
        self._clock = clock
        self._source = source
        self._keeper = keeper
        self._fields = fields
        self._emitter = emitter
        self._commands = commands
        self._observers = tuple(observers)
        self.idle: Idle = lambda _wait_s: False
        """What is done in waits; may be set before `run`."""
        self.repeated: Repeated = lambda _run, _frame: False
        """What tells frames that come again; may be set before `run`."""
        self._repeated_told: Instant | None = None
        self._tell_waiting: Waiting = waiting or (lambda _reason: None)
        self._losses = WaitingLosses()
        self._watch = StationWatch(clock, StorageWatch(settings.storage, clock, emitter.frame_archive))
        self._emitted_s: dict[str, float] = {}
        self.progress = Progress()
        self.exhausted = False
        """Whether the camera has said that it has no more frames."""

    def run(self, stop: threading.Event) -> Progress:
        """Go on until `stop` is set or no frame will ever come again."""
        writer = self._writer(stop)
        try:
            self._run(stop, writer)
            if stop.is_set() and self._commands is not None:
                self._hear_last_words(writer)
        except NotStoredError as error:
            log.error("%s", error)
        return self.progress

    def end_run(self, reason: str, stop: threading.Event) -> None:
        """End the open run, as soon as the store takes that. Raises NotStoredError: it stays open, `stop` was set."""
        self._writer(stop).do(lambda: self._keeper.end(reason), "the run's end")

    def _writer(self, stop: threading.Event) -> StoreWriter:
        return StoreWriter(self._clock, stop, self._store_waits)

    def _run(self, stop: threading.Event, writer: StoreWriter) -> None:
        next_due: Instant | None = None
        if self._commands is not None:
            database = self._settings.storage.database
            begun = self._clock.now()
            writer.do(lambda: self._fields.resume(self._keeper.run, database, begun), "what was muted")
        while not stop.is_set() and not self._source.finished and not self.exhausted:
            if self._commands is not None:
                self._commands.answer(self._keeper)
            self._look_after_station(writer)  # and what is due to the alerts' sinks
            now = self._clock.now()
            wait_s = 0.0 if next_due is None else next_due.seconds_since(now)
            if wait_s > 0:
                if not self.idle(wait_s):
                    stop.wait(min(wait_s, LONGEST_WAIT_S))
                continue
            received = self._source.next(LONGEST_WAIT_S)
            if received is None:
                self._tell_repeated(writer)
                self._notice_silence(writer)
                self.idle(LONGEST_WAIT_S)
                continue
            self._keep_losses(received)
            if isinstance(received.item, Notice):
                self._take_notice(received.item, writer)
                continue
            self._losses.blame_storage(False)
            if self._is_repeated(received.item, writer):
                self._notice_silence(writer)
                continue
            if self._settings.analysis.interval_s > 0:
                begun = now if next_due is None else self._clock.now()
                next_due = begun.after(self._settings.analysis.interval_s)
            self._take_frame(received.item, received.age_s, writer)
            self._notice_silence(writer)

    def _hear_last_words(self, writer: StoreWriter) -> None:
        """A grabber that was stopped just before has said goodbye; its word makes the ledger exact to the end.

        One that goes on offers another frame instead: that stays its own, as if it had never been offered.
        """
        for _ in range(_LAST_WORDS):
            received = self._source.next(LONGEST_WAIT_S)
            if received is None or not isinstance(received.item, Notice):
                return
            self._keep_losses(received)
            self._take_notice(received.item, writer)

    def _take_frame(self, frame: Frame | FailedFrame, age_s: float | None, writer: StoreWriter) -> None:
        now = self._clock.now()
        stages_s = self._emitted_s.copy()
        with timed("frame", stages_s):
            pipeline, result = self._consider(frame, age_s, now, writer, stages_s)
        self._losses.take(frame.session)
        self._tell_progress(
            replace(
                self.progress, frames=self.progress.frames + 1, last=result, silence=None, stages_s=stages_s
            )
        )
        with timed("emit", self._emitted_s):
            self._deliver(writer)
        if pipeline.stop_reason is not None:
            raise EngineLostError(
                f"the analysis stops, as analysis.on_engine_loss says: {pipeline.stop_reason} "
                "What it did so far is stored, the frame in hand as failed; it goes on with the run when it is started."
            )

    def _is_repeated(self, frame: Frame | FailedFrame, writer: StoreWriter) -> bool:
        """Whether it was considered before: then it is counted, and neither takes its turn nor is considered again.

        A watched folder is taken again when its grabber starts again, and only the store knows how far it had come.
        """
        run = self._keeper.run
        if run is None or not writer.do(lambda: self.repeated(run, frame), "a look for the frame in hand"):
            return False
        self._losses.add_repeated(frame)
        self._source.statistics.lost += 1
        self._source.statistics.lost_by_reason[LossReason.REPEATED.value] += 1
        told, now = self._repeated_told, self._clock.now()
        if told is None or now.seconds_since(told) >= _REPEATED_WAIT_S:
            self._tell_repeated(writer)
        return True

    def _tell_repeated(self, writer: StoreWriter) -> None:
        session = self._losses.repeating_session()
        if session is None:
            return
        self._repeated_told = self._clock.now()
        passed = FramesPassedOver(self._repeated_told, session, self._losses.of(session))
        self._record(passed, "frames that came again", writer)
        self._losses.take(session)

    def _consider(
        self,
        frame: Frame | FailedFrame,
        age_s: float | None,
        now: Instant,
        writer: StoreWriter,
        stages_s: dict[str, float],
    ) -> tuple[FieldPipeline, FrameResult]:
        """Take a frame through its field's pipeline and commit the result; the times of the stages go to `stages_s`."""
        run = writer.do(lambda: self._keeper.run_for(frame), "the run's first row")
        self._settle_others(frame.session, now, writer)
        pipeline = writer.do(lambda: self._fields.pipeline(run, frame.field, now), "the frame in hand")
        about(run=run.run_id, camera=run.start.camera, field=frame.field, frame=frame.frame_index)
        elapsed_s = run.elapsed_s(frame.captured)
        if isinstance(frame, FailedFrame):
            result = pipeline.consider_failed(frame, elapsed_s)
        else:
            result = pipeline.consider(frame, elapsed_s, age_s)
        stages_s |= pipeline.timings_s
        with timed("archive", stages_s):
            kept = self._emitter.archive(frame, run.run_id, result)
        result = replace(
            result,
            losses=self._losses.of(frame.session),
            archived=kept.archived,
            archived_before=kept.archived_before,
            archive_dropped=kept.archive_dropped,
        )
        with timed("append", stages_s):
            writer.do(lambda: self._keeper.append(result), "the frame in hand")
        return pipeline, result

    def _look_after_station(self, writer: StoreWriter) -> None:
        """Tell what disks and clocks do; where there is no room, wait for it, and tell how long that was."""
        self._tell_station(writer)
        writer.hold(lambda: self._why_paused(writer))
        if not writer.interruptions:
            return
        self._losses.blame_storage(True)
        interruptions, writer.interruptions = writer.interruptions, []
        if self._keeper.open:
            for event in self._watch.told(interruptions):
                self._record(event, f"{event.event.kind.value!r}", writer)
        self._tell_station(writer)

    def _tell_station(self, writer: StoreWriter) -> None:
        muted = self._fields.muted(self._clock.now())
        for change in self._watch.look(self._keeper.run, muted=muted):
            self._record(change, "what was seen of disk and clock", writer)

    def _why_paused(self, writer: StoreWriter) -> str:
        """Empty where frames may be stored; alerts go out meanwhile, that of the pause first of all."""
        self._deliver(writer)
        return self._watch.why_paused()

    def _keep_losses(self, received: Received) -> None:
        for reason, count in self._losses.add(received.losses).items():
            self._source.statistics.lost_by_reason[reason] -= count
            self._source.statistics.lost_by_reason[LossReason.STORAGE.value] += count

    def _tell_progress(self, progress: Progress) -> None:
        self.progress = replace(progress, run=self._keeper.run, committed=self._clock.now())
        for observe in self._observers:
            observe(self.progress)

    def _deliver(self, writer: StoreWriter) -> None:
        """Alerts that are due go to their sinks' threads, and what came of others is stored; no sink is waited for."""
        writer.do(lambda: self._emitter.deliver(self._keeper.run), "what became of alerts")

    def _record(self, change: RunChange, what: str, writer: StoreWriter) -> None:
        writer.do(lambda: self._keeper.record(change), what)

    def _store_waits(self, reason: str) -> None:
        """While the store takes nothing, whoever gives a command is told so."""
        self._tell_waiting(reason)
        if self._commands is not None:
            self._commands.refuse(reason)

    def _take_notice(self, notice: Notice, writer: StoreWriter) -> None:
        log.info("%s", notice.message)
        if notice.kind is NoticeKind.SESSION_EXHAUSTED:
            self.exhausted = True
        if not self._keeper.open:
            return
        kind = _EVENTS.get(notice.kind)
        if kind is not None:
            self._record(RunEvent(notice.at, Event(kind, notice.message)), f"{kind.value!r}", writer)
        self._settle_others(notice.session, notice.at, writer)
        how = {
            NoticeKind.SESSION_ENDED: SessionEndKind.GOODBYE,
            NoticeKind.SESSION_EXHAUSTED: SessionEndKind.GOODBYE,
            NoticeKind.SESSION_BROKEN: SessionEndKind.UNKNOWN,
        }.get(notice.kind)
        if how is not None:
            ended = SessionEnded(notice.at, notice.session, how, losses=self._losses.take(notice.session))
            self._record(ended, "the end of a session", writer)

    def _settle_others(self, session: str, at: Instant, writer: StoreWriter) -> None:
        """Sessions that came and went while nobody listened, or no run was open: their losses come with this one."""
        for other in self._losses.other_sessions(session):
            ended = SessionEnded(at, other, SessionEndKind.UNKNOWN, losses=self._losses.take(other))
            self._record(ended, "the end of a session", writer)

    def _notice_silence(self, writer: StoreWriter) -> None:
        """Without frames time goes on: a field that nobody sees becomes blind, and that is stored and told.

        Frames of other fields do not help it, so this is asked after each of them as well.
        """
        if not self._keeper.open:
            self._tell_waiting("waiting for the first frame")
            return
        for observed in self._fields.silent(self._clock.now()):
            self._commit_silence(observed, writer)
        committed, now = self.progress.committed, self._clock.now()
        if committed is not None and now.seconds_since(committed) < self._settings.proof_interval_s:
            return
        standing = self._fields.standing(now)
        if standing is None:
            self._tell_waiting("waiting for frames")
        else:
            self._commit_silence(standing, writer)

    def _commit_silence(self, observed: SilenceObserved, writer: StoreWriter) -> None:
        self._record(observed, "a field's silence", writer)
        self._tell_progress(replace(self.progress, silence=observed))
