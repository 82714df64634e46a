"""What leaves the analysis besides rows: alerts to their sinks after the commit, key frames to the archive."""

from __future__ import annotations

import logging

from monitor.alerts.sinks import AlertPublisher
from monitor.archive import FrameArchive, Kept
from monitor.errors import QueryError, StoreError
from monitor.frame import FailedFrame, Frame
from monitor.records import FrameResult
from monitor.records.run import Run
from monitor.store import TrailReader

log = logging.getLogger(__name__)

_NOT_KEPT = Kept()


class Emitter:
    """Sends what was committed. A listener that fails is logged; it never stops the analysis."""

    def __init__(self, database: str, publisher: AlertPublisher, archive: FrameArchive | None) -> None:
        """`database` is read after each commit that holds alerts: what is sent is what stands in the table."""
        self._database = database
        self._publisher = publisher
        self._archive = archive
        self.behind = True
        """Whether alerts may have been committed that were not sent: by an earlier process, or unreadable so far."""
        self._unreadable = False

    def archive(self, frame: Frame | FailedFrame, run_id: int, result: FrameResult) -> Kept:
        """Keep the frame if it is a key frame: one with an alert or a change of state, or one due by the clock."""
        if self._archive is None or isinstance(frame, FailedFrame):
            return _NOT_KEPT
        changed = result.completion is not None and result.completion.changed
        return self._archive.offer(
            frame, run_id, result.elapsed_s, result.labels_HW, event=changed or bool(result.alerts)
        )

    def send(self, run: Run) -> int | None:
        """Send the run's alerts that were committed and not sent yet, those of an earlier process included.

        The last one's row, for `AlertsTold`; None where there was none, or where they cannot be read back yet.
        """
        try:
            with TrailReader(self._database) as reader:
                notices = reader.alerts_after(run.run_id, run.told_event_id)
        except (StoreError, QueryError) as error:
            if not self._unreadable:
                log.error("alerts are not sent yet, they cannot be read back: %s", error)
            self.behind = self._unreadable = True
            return None
        self.behind = self._unreadable = False
        if not notices:
            return None
        for failure in self._publisher.publish(notices):
            log.error("alert %s did not reach sink %s: %s", failure.event_id, failure.sink, failure.message)
        return notices[-1].event_id

    def close(self) -> None:
        """Close the sinks."""
        for failure in self._publisher.close():
            log.error("sink %s: %s", failure.sink, failure.message)
