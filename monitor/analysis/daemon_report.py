"""How the running daemon stands: kept by an observer, asked for over the control socket, all in the loop's thread."""

from __future__ import annotations

import os

from engine import Segmenter
from monitor.analysis.daemon_status import DaemonStatus
from monitor.analysis.loop import Progress
from monitor.clock import Clock
from monitor.settings.redaction import without_passwords
from monitor.settings.station import StationSettings
from monitor.source import FrameSource
from monitor.store import locate
from monitor.version import __version__


class DaemonReport:
    """Gathers `DaemonStatus`; everything in the loop's thread."""

    def __init__(
        self, settings: StationSettings, clock: Clock, engine: Segmenter, source: FrameSource
    ) -> None:
        """The process starts now."""
        self._station = settings.name
        path = locate(settings.storage.database).path  # made whole: who asks works in another folder
        self._database = (
            f"sqlite:///{path.resolve()}"
            if path is not None
            else without_passwords(settings.storage.database)
        )
        self._clock = clock
        self._engine = engine
        self._source = source
        self._started = clock.now()
        self._progress = Progress()
        self._frame_committed = self._started

    def see(self, progress: Progress) -> None:
        """See `monitor.analysis.Observer`."""
        self._progress = progress
        if progress.silence is None and progress.committed is not None:
            self._frame_committed = progress.committed

    def status(self, waiting_for: str = "") -> DaemonStatus:
        """As it is now."""
        now, progress, statistics = self._clock.now(), self._progress, self._source.statistics
        condition, last = self._engine.condition, progress.last
        return DaemonStatus(
            station=self._station,
            database=self._database,
            version=__version__,
            process=os.getpid(),
            started_at=self._started.utc.isoformat(timespec="seconds"),
            run_id=progress.run.run_id if progress.run is not None else None,
            frames=progress.frames,
            since_frame_s=now.seconds_since(self._frame_committed) if progress.frames else None,
            since_commit_s=now.seconds_since(progress.committed) if progress.committed is not None else None,
            frame_age_s=last.age_s if last is not None else None,
            frame_s=progress.stages_s.get("frame"),
            backend=self._engine.describe,
            degraded=condition.degraded,
            engine=condition.message,
            grabber_heard=statistics.grabber is not None,
            camera_running=statistics.camera_running,
            lost=dict(statistics.lost_by_reason),
            waiting_for=waiting_for,
        )
