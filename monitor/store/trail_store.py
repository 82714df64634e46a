"""`TrailStore`: the contract of where the analysis writes to, and what it gets back at a restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, overload

from monitor.records.audit import OF_THE_PROCESS, Attribution
from monitor.records.result import FieldStateRecord, FrameResult
from monitor.records.run import EventAcknowledged, Run, RunChange, RunStart
from monitor.records.trail import TrackPoint, TrailBirth
from monitor.records.vocabulary import FrameStatus, RunState


@dataclass(frozen=True, slots=True)
class FrameMoment:
    """A frame of which no more than this is needed to rebuild a state."""

    frame_index: int
    """The camera's sequence number."""
    elapsed_s: float
    """Seconds since the run's epoch."""
    um_per_px: float | None
    """Its calibration."""
    status: FrameStatus
    """What became of it."""


@dataclass(frozen=True, slots=True)
class HistoryWanted:
    """How much of the living trails' past `load_field` gives: the union of the three."""

    span_s: float | None = None
    """All points that may be fitted within so many seconds of the crystal's last; None: all there are, fit or not."""
    first_points: int = 0
    """So many of the crystal's first points that may be fitted."""
    last_points: int = 0
    """So many of its last points that may be fitted."""


WHOLE_HISTORY = HistoryWanted()


@dataclass(frozen=True, slots=True)
class StoredField:
    """What the store knows of a field: all that is needed to go on where the last frame was committed."""

    field: str
    """The field's name."""
    next_crystal_id: int
    """The first crystal number that was never given, from 1: for a tracker that must start afresh."""
    state: FieldStateRecord | None
    """As the last result left it; None for a new field."""
    last_elapsed_s: float | None
    """Time of the last frame that was `ok`, seconds since the run's epoch; None where there was none."""
    run_state: RunState | None
    """The field's state after the last frame that had one."""
    points: tuple[TrackPoint, ...]
    """Points of the trails that live, in order of time, then crystal number; `confirmed` is the trail's
    present state."""
    frames: tuple[FrameMoment, ...]
    """The field's frames within the history that was asked for, and all that have one of `points`; in order
    of commit."""
    births: tuple[TrailBirth, ...]
    """Confirmed trails' births, in order of first sight: all; of a history with a span at least those of living
    crystals and of the span, and the first and the last crystal that was born."""
    engine_failed: bool = False
    """Whether the last that was told of the engine is that it failed: that it works again is to be told."""


class TrailStore(Protocol):
    """Keeps runs, frames and trails, for one writer.

    Order: `start_run` or `resume_run` first, then `append` in the order of capture in each field; `close`
    last.
    Threads: from one at a time; it need not always be the same one. It blocks as long as the disk needs.
    Units: as in the records; elapsed times count from the run's epoch.
    Failures: a method either does all that it says, durably, or nothing and raises `StoreError`; after that
    the store can be used again, and the same call may be repeated. Opening raises `StoreUnusableError`, also
    where another process writes to the same store.
    """

    def start_run(self, start: RunStart, by: Attribution = OF_THE_PROCESS) -> Run:
        """End the open run, if there is one, and open the next; `by` stands in the audit trail."""

    def resume_run(self) -> Run | None:
        """The run that is open, None where there is none. Changes nothing."""

    def load_field(self, run: Run, field: str, history: HistoryWanted = WHOLE_HISTORY) -> StoredField:
        """What is stored of a field, with as much of its living trails' past as is wanted."""

    def append(self, run: Run, result: FrameResult) -> bool:
        """Write all of one frame in one transaction.

        False, and nothing written, where a frame of the same field, session and index was committed before.
        """

    @overload
    def record(self, run: Run, change: RunChange, by: Attribution = OF_THE_PROCESS) -> Run: ...

    @overload
    def record(
        self, run: Run | None, change: EventAcknowledged, by: Attribution = OF_THE_PROCESS
    ) -> Run | None: ...

    def record(self, run: Run | None, change: RunChange, by: Attribution = OF_THE_PROCESS) -> Run | None:
        """Write what happened outside any frame, `by` into the audit trail; the run as it is afterwards.

        An event is acknowledged in whichever run of the station it came, so that no run need be open for it.
        """

    def close(self) -> None:
        """Release the store; the run stays open. May be called twice."""
