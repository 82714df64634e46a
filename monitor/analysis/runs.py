"""The open run: resumed at a start, opened with the first frame, ended by the operator."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from monitor.clock import NANOSECONDS_PER_SECOND, Clock, Instant
from monitor.errors import StoreError, StoreUnusableError
from monitor.frame import FailedFrame, Frame, TimeSource
from monitor.records import Event, EventKind, FrameResult
from monitor.records.audit import OF_THE_PROCESS, Attribution
from monitor.records.run import EventAcknowledged, Run, RunChange, RunEnded, RunEvent, RunStart
from monitor.settings.redaction import settings_snapshot
from monitor.settings.station import StationSettings
from monitor.store import TrailStore
from monitor.version import __version__

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Provenance:
    """What ran, for the run's row."""

    model: str
    """Name of the weights."""
    weights_sha256: str
    """Hash of the weights file."""
    model_card_json: str
    """The card, JSON."""
    backend: str
    """Back end and precision that serve when the run begins; later changes are events, and each frame's row has its
    own."""
    detection_limit_px: float | None
    """Area-equivalent diameter of the smallest crystal that is reported, px."""


class RunKeeper:
    """Knows the open run and writes to it; everything goes through the one store.

    A run is opened by its first frame, because that frame's clock is what the run's times count from.
    """

    def __init__(
        self,
        store: TrailStore,
        settings: StationSettings,
        clock: Clock,
        provenance: Callable[[], Provenance] | None = None,
    ) -> None:
        """Find the run that is open. Without `provenance`, asked when a run begins, none can be, only written to."""
        self._store = store
        self._settings = settings
        self._provenance = provenance
        self._clock = clock
        self._next_name = settings.analysis.run_name
        self._next_by = OF_THE_PROCESS
        self._next_asked = False
        self._run = _at_start(store.resume_run)

    def resume_or_end(self, station_started: Instant | None = None) -> None:
        """At a daemon's start: go on with the run that is open, or end it, as the settings say.

        A run that was begun since `station_started` is this start's own: its analysis died in the middle, and goes on.
        Raises StoreUnusableError where the store cannot take that.
        """
        if self._run is None:
            return
        begun = self._run.start.started
        own = station_started is not None and begun.seconds_since(station_started) >= 0
        if self._settings.analysis.resume or own:
            message = f"run {self._run.start.name!r} goes on after a restart"
            resumed = RunEvent(self._clock.now(), Event(EventKind.RUN_RESUMED, message))
            _at_start(lambda: self.record(resumed))
        else:
            _at_start(lambda: self.end("another run begins"))

    @property
    def open(self) -> bool:
        """Whether a run is open."""
        return self._run is not None

    @property
    def run(self) -> Run | None:
        """The open run."""
        return self._run

    @property
    def settings(self) -> StationSettings:
        """Of the station."""
        return self._settings

    @property
    def clock(self) -> Clock:
        """Where the time of what happens comes from."""
        return self._clock

    def run_for(self, frame: Frame | FailedFrame) -> Run:
        """The open run, or a new one that begins with this frame."""
        if self._run is None:
            assert self._provenance is not None, "a run begins with what runs it"
            provenance = self._provenance()
            self._run = self._store.start_run(
                RunStart(
                    name=self._next_name,
                    started=self._clock.now(),
                    epoch=frame.captured if self._next_asked else _epoch(frame),
                    version=__version__,
                    model=provenance.model,
                    weights_sha256=provenance.weights_sha256,
                    model_card_json=provenance.model_card_json,
                    backend=provenance.backend,
                    settings_json=settings_snapshot(self._settings),
                    camera=frame.camera if isinstance(frame, Frame) else "",
                    um_per_px=frame.um_per_px if isinstance(frame, Frame) else None,
                    detection_limit_px=provenance.detection_limit_px,
                ),
                self._next_by,
            )
            subject = {"run": self._run.run_id, "camera": self._run.start.camera, "field": frame.field}
            log.info("run %s (%s) begins", self._run.run_id, self._next_name, extra={"subject": subject})
            self._next_by, self._next_asked = OF_THE_PROCESS, False
        return self._run

    def append(self, result: FrameResult) -> bool:
        """Commit a frame to the open run; raises StoreError."""
        assert self._run is not None, "run_for comes first"
        return self._store.append(self._run, result)

    def record(self, change: RunChange, by: Attribution = OF_THE_PROCESS) -> None:
        """Commit what happened outside any frame to the open run, and who did it; raises StoreError."""
        assert self._run is not None, "there is no open run"
        self._run = self._store.record(self._run, change, by)

    def acknowledge(self, acknowledged: EventAcknowledged, by: Attribution) -> None:
        """Acknowledge an event of any run of the station, whether or not one is open; raises StoreError."""
        self._store.record(self._run, acknowledged, by)

    def end(self, reason: str, by: Attribution = OF_THE_PROCESS) -> None:
        """End the open run, if there is one."""
        if self._run is not None:
            self._store.record(self._run, RunEnded(self._clock.now(), reason), by)
            self._run = None

    def begin_next(self, name: str, by: Attribution = OF_THE_PROCESS) -> None:
        """End the open run; the next frame opens the next, under this name."""
        self.end(f"the operator began {name!r}", by)
        self._next_name, self._next_by, self._next_asked = name, by, True


def _at_start(work: Callable[[], Answer]) -> Answer:
    """Do it now or not at all: at a start, a full disk is the user's to mend."""
    try:
        return work()
    except StoreError as error:
        raise StoreUnusableError(str(error)) from error


def _epoch(frame: Frame | FailedFrame) -> Instant:
    """What the times of a run that a start opened count from: where a simulation or a timestamps file has its zero.

    Else its first frame. A run that the operator began always counts from its first frame: a new experiment.
    """
    captured = frame.captured
    if isinstance(frame, FailedFrame):
        return captured
    if frame.time_source is TimeSource.SIMULATED and captured.boottime_ns is not None:
        return Instant(captured.utc_ns - captured.boottime_ns, 0, captured.boot_id)
    if frame.time_source is TimeSource.TIMESTAMPS_FILE and captured.utc_ns < _NO_DATE_NS:
        return Instant(0)
    return captured


_NO_DATE_NS = 366 * 86_400 * NANOSECONDS_PER_SECOND
"""Times of capture in 1970 are seconds since the run's zero, without a date: see `monitor.source.replay`."""
