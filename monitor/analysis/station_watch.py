"""What the loop looks after between frames, besides its fields: disks, the write-ahead log, the clock."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.analysis.clock_watch import ClockWatch
from monitor.analysis.persistence import Interruption
from monitor.analysis.storage_watch import StorageWatch
from monitor.clock import Clock
from monitor.records import Event, EventKind
from monitor.records.run import Run, RunChange, RunEvent


class StationWatch:
    """Gives what is to be stored; does not store anything itself."""

    def __init__(self, clock: Clock, storage: StorageWatch) -> None:
        """`storage` is asked at every look."""
        self._clock = clock
        self._storage = storage
        self._steps = ClockWatch()
        self._announced = False

    def look(self, run: Run | None, *, muted: bool) -> list[RunChange]:
        """What has changed since the last look, to be stored in the open run; nothing where none is open."""
        changes: list[RunChange] = []
        stepped = self._steps.look(self._clock.now())
        observed = self._storage.look(run, muted=muted)
        if run is None:
            return changes
        if stepped is not None:
            changes.append(stepped)
        if observed is not None:
            changes.append(observed)
        if self._storage.paused and not self._announced:
            message = f"the analysis pauses: {self._storage.paused}"
            changes.append(RunEvent(self._clock.now(), Event(EventKind.STORAGE_PAUSED, message)))
        self._announced = bool(self._storage.paused)
        return changes

    def why_paused(self) -> str:
        """Why nothing may be stored now; empty where it may. Looks again, if it is time to, and raises no alert."""
        self._storage.look(None, muted=True)
        return self._storage.paused

    @staticmethod
    def told(interruptions: Iterable[Interruption]) -> list[RunEvent]:
        """The events of times in which nothing was stored, now that they are over."""
        events = []
        for one in interruptions:
            if not one.announced:
                message = f"nothing could be stored: {one.reason}"
                events.append(RunEvent(one.began, Event(EventKind.STORAGE_PAUSED, message)))
            message = (
                f"frames are stored again; for {one.lasted_s:.0f} s they were not, and those that the camera gave "
                "meanwhile are counted as lost (reason storage), unless the camera waited"
            )
            events.append(RunEvent(one.ended, Event(EventKind.STORAGE_RESUMED, message, value=one.lasted_s)))
        return events
