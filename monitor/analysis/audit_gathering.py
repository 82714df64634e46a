"""Deeds that may come with every frame, or at a stranger's will, and are told to the audit trail by the hour."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

from monitor.analysis.loop import Progress
from monitor.clock import Clock, Instant
from monitor.errors import StoreError
from monitor.records.audit import AuditEntry, AuditKind
from monitor.records.result import FrameResult
from monitor.source import SourceStatistics

log = logging.getLogger(__name__)

GATHERED_S = 3600.0
"""Deeds of a kind make a row this often at most, seconds: no row of the trail can ever be removed."""

Tell = Callable[[AuditEntry], None]
"""Adds a row; where it raises StoreError, the row is written later."""


class HourlyRecorder(ABC):
    """An observer of the analysis, and a context: the first deed is told at once, later ones an hour after the last
    row, with their number, the rest at the end. A kill loses the number of those that were not told yet."""

    def __init__(self, tell: Tell, clock: Clock) -> None:
        """Nothing is told yet."""
        self._tell = tell
        self._clock = clock
        self._told_at: Instant | None = None

    def __call__(self, progress: Progress) -> None:
        """After a commit, in the loop's thread."""
        self._gather(progress)
        now = self._clock.now()
        if self._told_at is None or now.seconds_since(self._told_at) >= GATHERED_S:
            self._tell_gathered(now)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell of what was gathered; where the store cannot take that, the log."""
        self._tell_gathered(self._clock.now())

    @abstractmethod
    def _gather(self, progress: Progress) -> None:
        """Count what is new."""

    @abstractmethod
    def _entry(self) -> AuditEntry | None:
        """The row; None where nothing was gathered."""

    @abstractmethod
    def _forget(self) -> None:
        """The row was written."""

    def _tell_gathered(self, now: Instant) -> None:
        entry = self._entry()
        if entry is None:
            return
        try:
            self._tell(entry)
        except StoreError as error:
            log.warning("this does not stand in the audit trail yet: %s: %s", entry.message, error)
            return
        self._told_at = now
        self._forget()


class RefusalRecorder(HourlyRecorder):
    """Tells of connections that the grabber refused for their keys."""

    def __init__(self, statistics: SourceStatistics, tell: Tell, station: str, clock: Clock) -> None:
        """`statistics` of the source, which has the grabber's count."""
        super().__init__(tell, clock)
        self._statistics = statistics
        self._station = station
        self._seen = 0
        self._count = 0

    def _gather(self, progress: Progress) -> None:
        grabber = self._statistics.grabber
        refused = grabber.refused if grabber is not None else 0
        # Fewer than before: another session of the grabber, which counts from nothing.
        self._count += refused - self._seen if refused >= self._seen else refused
        self._seen = refused

    def _entry(self) -> AuditEntry | None:
        if not self._count:
            return None
        message = (
            f"the grabber refused {self._count} connection(s) without a listener's key; its log has the keys"
        )
        details = {"count": self._count}
        return AuditEntry(AuditKind.LISTENER_REFUSED, message, station=self._station, details=details)

    def _forget(self) -> None:
        self._count = 0


class DeletionRecorder(HourlyRecorder):
    """Tells of key frames that the archive deleted to keep within its budget: how many, of which runs and fields."""

    def __init__(self, tell: Tell, station: str, clock: Clock) -> None:
        """Nothing was deleted yet."""
        super().__init__(tell, clock)
        self._station = station
        self._last: FrameResult | None = None
        self._by_folder: Counter[str] = Counter()

    def _gather(self, progress: Progress) -> None:
        if progress.last is None or progress.last is self._last:
            return  # a silence was committed, and the last frame is told again
        self._last = progress.last
        self._by_folder.update(name.rpartition("/")[0] for name in progress.last.archive_dropped)

    def _entry(self) -> AuditEntry | None:
        count = self._by_folder.total()
        if not count:
            return None
        message = f"{count} key frame(s) deleted to keep within the archive's budget"
        details = {"count": count, "by_folder": dict(self._by_folder)}
        return AuditEntry(AuditKind.KEY_FRAMES_DELETED, message, station=self._station, details=details)

    def _forget(self) -> None:
        self._by_folder.clear()
