"""From settings to a running analysis: engine, store, source, sinks and control socket, opened in a safe order."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import zmq

from engine import Segmenter
from monitor.analysis.audit_gathering import DeletionRecorder, RefusalRecorder
from monitor.analysis.auditing import AuditedService
from monitor.analysis.commands import Command, CommandServer, NewRun, obey
from monitor.analysis.daemon_report import DaemonReport
from monitor.analysis.fields import Fields
from monitor.analysis.housekeeping import Housekeeping
from monitor.analysis.loop import AnalysisLoop, Observer, Progress, Waiting
from monitor.analysis.opening_sinks import opened_emitter
from monitor.analysis.runs import Provenance, RunKeeper
from monitor.analysis.segmenting import open_segmenter
from monitor.analysis.sole_daemon import sole_daemon
from monitor.archive import FrameArchive
from monitor.clock import Clock, Instant
from monitor.errors import ControlError, SettingsError, StoreError, StoreUnusableError
from monitor.records import Event, EventKind
from monitor.records.audit import Attribution
from monitor.records.run import RunEvent
from monitor.settings.station import StationSettings
from monitor.settings.storage import ArchiveSettings, user_database
from monitor.source import FrameSource, ResumePoint, connect_source
from monitor.store import SqlTrailStore, TrailStore, locate, open_store, run_query

log = logging.getLogger(__name__)

_MOST_SESSIONS = 1000
"""Among so many the grabber's last is looked for, behind those of replays into the same store."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """An opened analysis: the loop, and what a caller may want to look at."""

    loop: AnalysisLoop
    """Runs in the caller's thread."""
    keeper: RunKeeper
    """The open run."""
    store: TrailStore
    """The one writer's store."""


@contextmanager
def open_analysis(
    settings: StationSettings,
    clock: Clock,
    *,
    source: FrameSource | None = None,
    segmenter: Segmenter | None = None,
    observers: Sequence[Observer] = (),
    waiting: Waiting | None = None,
    station_started: Instant | None = None,
) -> Iterator[Analysis]:
    """Open all that the analysis needs, and close it at the end of the `with` block.

    Args:
        settings: of the station.
        clock: where the time comes from.
        source: frames; None connects to the grabber that the settings name. Closed at the end.
        segmenter: the engine; None opens the one that the settings name.
        observers: called in the loop's thread after every commit, of a frame or of a silence; they must be quick.
        waiting: called in the loop's thread with what it waits for, where there is nothing to commit.
        station_started: when the station of this process was started, for one that may be started again in its middle.

    Raises:
        UserError: a database, engine, sink or source that cannot be used; with the remedy.
    """
    database = settings.storage.database
    with ExitStack() as stack:
        if source is None:
            # Before anything is touched: another station's frames, runs and commands are not this one's.
            stack.enter_context(sole_daemon(settings))
        else:
            # A source that cannot be used must be known before the store is touched: the open run goes on.
            source.open()
            stack.callback(source.close)
        _make_default_folder(database)
        store = _open_store(settings)
        stack.callback(store.close)
        archive = _open_archive(settings.storage.archive)
        emitter = stack.enter_context(opened_emitter(settings, store, clock, archive))
        live = source is None
        engine = segmenter or _open_engine(settings, store, clock)
        if segmenter is None:
            stack.callback(engine.close)
        begun = _provenance(engine)
        stack.enter_context(AuditedService(store, settings, begun.model, begun.weights_sha256, begun.backend))
        keeper = RunKeeper(store, settings, clock, lambda: _provenance(engine))
        keeper.resume_or_end(station_started)
        fields = Fields(settings, engine, store, live=live)
        frames = source or connect_source(
            settings.stream, clock, _resume_points(settings, keeper), field=settings.camera.field
        )
        if live:
            frames.open()
            stack.callback(frames.close)
        deletions = DeletionRecorder(store.enter, settings.name, clock)
        observers = (*observers, stack.enter_context(deletions))
        if live:
            refusals = RefusalRecorder(frames.statistics, store.enter, settings.name, clock)
            observers = (*observers, stack.enter_context(refusals))
        if live and settings.metrics.listen:
            from monitor.analysis.serving_metrics import serving_metrics  # noqa: PLC0415  # where asked for alone

            observers = (*observers, stack.enter_context(serving_metrics(settings, clock, engine, frames)))
        commands = None
        if live:
            context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
            stack.callback(context.term)
            report = DaemonReport(settings, clock, engine, frames)
            observers = (report.see, *observers)
            commands = CommandServer(context, settings.control_endpoint, fields, report.status, settings)
            stack.callback(commands.close)
        observers = (*observers, emitter.observe)
        loop = AnalysisLoop(settings, clock, frames, keeper, fields, emitter, commands, observers, waiting)
        if live:
            loop.repeated = store.was_considered
            loop.idle = Housekeeping(store, settings.storage.retention, clock).use
        yield Analysis(loop, keeper, store)


def run_analysis(analysis: Analysis, stop: threading.Event) -> Progress:
    """The analysis process, once it is open: until `stop` is set or the camera has no more frames."""
    progress = analysis.loop.run(stop)
    if analysis.loop.exhausted:
        analysis.loop.end_run("the camera has no more frames", stop)
    return progress


def _open_engine(settings: StationSettings, store: TrailStore, clock: Clock) -> Segmenter:
    """The engine; where it cannot start and a run is open, that stands in the run's events. Raises SettingsError."""
    try:
        return open_segmenter(settings)
    except SettingsError as error:
        keeper = RunKeeper(store, settings, clock)
        if keeper.run is not None:
            last = run_query(
                settings.storage.database,
                f"SELECT message FROM event_log WHERE run_id = {keeper.run.run_id} ORDER BY event_id DESC LIMIT 1",  # noqa: S608  # a number
            )
            if [str(error)] not in [list(row) for row in last.rows]:  # a supervisor tries again and again
                keeper.record(RunEvent(clock.now(), Event(EventKind.ENGINE_FAILED, str(error))))
        raise


def tell_store(settings: StationSettings, command: Command, clock: Clock, asked_by: Attribution) -> str:
    """Obey a command while no daemon runs, under the writer's lock; the answer is for people.

    Raises StoreUnusableError where there is no store, or a daemon that does not answer still holds it, ControlError
    where no run is open.
    """
    run_query(settings.storage.database, "SELECT 1")  # a store that is missing must not be made by a note
    store = _open_store(settings)
    try:
        if isinstance(command, NewRun):
            raise ControlError(
                "the daemon is down, and a run begins with its first frame: start the daemon, or set analysis.run_name"
            )
        return obey(command, asked_by, RunKeeper(store, settings, clock), None)
    except StoreUnusableError:
        raise
    except StoreError as error:
        raise ControlError(str(error)) from error
    finally:
        store.close()


def _open_store(settings: StationSettings) -> SqlTrailStore:
    storage = settings.storage
    return open_store(
        storage.database,
        storage.synchronous,
        settings.name,
        allow_network_share=storage.allow_network_share,
        check_within_s=storage.check_after_crash_s,
    )


def _make_default_folder(database: str) -> None:
    """Make the user's own data folder; a folder that the user named must be there."""
    if database == user_database():
        Path(database.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def _open_archive(settings: ArchiveSettings) -> FrameArchive | None:
    if settings.folder is None:
        return None
    return FrameArchive(
        settings.folder, settings.budget_bytes, settings.every_s, settings.frames_before, settings.compression
    )


def _provenance(engine: Segmenter) -> Provenance:
    card = engine.card
    return Provenance(
        model=card.name,
        weights_sha256=card.safetensors_sha256,
        model_card_json=card.to_json(),
        backend=engine.describe,
        detection_limit_px=2 * math.sqrt(card.thresholds.minimal_area_px / math.pi),
    )


def _resume_points(settings: StationSettings, keeper: RunKeeper) -> list[ResumePoint]:
    """The last frame that was committed or counted as lost of each session: of the open run's first, newest first.

    So what the grabber gave between two runs, with the analysis down, is counted too. A store that several stations
    share is narrowed to this one's; an SQLite file belongs to one, whatever its name was.
    """
    of_open_run = f"(s.run_id = {keeper.run.run_id if keeper.run is not None else -1})"
    shared = locate(settings.storage.database).path is None
    found = run_query(
        settings.storage.database,
        "SELECT s.session, s.next_index, s.ended FROM grabber_session s JOIN run r ON r.run_id = s.run_id "  # noqa: S608  # numbers, and a name without quotes
        + (f"WHERE r.station = '{settings.name}' " if shared else "")
        + f"ORDER BY {of_open_run} DESC, s.session_id DESC LIMIT {_MOST_SESSIONS}",
    )
    return [
        ResumePoint(str(session), int(str(next_index)) - 1, ended=ended is not None)
        for session, next_index, ended in found.rows
    ]
