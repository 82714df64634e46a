"""The analysis under a service manager's watchdog, which is fed by what it has achieved and by nothing else.

It proves itself by commits: of a frame, or while none comes of a silence. Where nothing can be committed (no run yet, a
store that refuses) a turn of its loop that says so counts: to start it again would mend neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.clock import Clock, Instant
from monitor.service.notifier import ServiceNotifier
from monitor.service.status_line import StatusLine
from monitor.settings.service import INTERVALS
from monitor.settings.station import StationSettings

if TYPE_CHECKING:
    from monitor.analysis import Progress

_TELL_EVERY_S = 1.0
"""The manager is told no more often than this, seconds."""


class AnalysisWatch:
    """Tells the manager of the analysis' commits; an observer of the loop."""

    def __init__(self, notifier: ServiceNotifier, settings: StationSettings, clock: Clock) -> None:
        """`clock` measures how long frames take."""
        self._notifier = notifier
        self._clock = clock
        self._line = StatusLine()
        self._limit_s = settings.progress_limit_s
        self._told: Instant | None = None
        self._waited = False

    def ready(self) -> None:
        """The engine is up, the store open, the control socket bound.

        A long run's past may still have to be read: the unit's own generous limit holds until the first proof.
        """
        self._notifier.ready("waiting for frames")

    def committed(self, progress: Progress) -> None:
        """See `monitor.analysis.Observer`."""
        # A frame that waited for its store says nothing of how long frames take here.
        counts = progress.silence is None and not self._waited
        self._waited = False
        slowest_s = progress.stages_s.get("frame", 0.0) if counts else 0.0
        if INTERVALS * slowest_s > self._limit_s:
            self._limit_s = INTERVALS * slowest_s
            if self._told is not None:
                self._notifier.limit(self._limit_s)
        self._tell(self._line.of(progress))

    def waiting(self, reason: str) -> None:
        """See `monitor.analysis.Waiting`."""
        self._waited = True
        self._tell(reason)

    def _tell(self, line: str) -> None:
        now = self._clock.now()
        if self._told is None:
            self._notifier.limit(self._limit_s)
        if self._told is None or now.seconds_since(self._told) >= _TELL_EVERY_S:
            self._told = now
            self._notifier.progress()
            self._notifier.status(line)
