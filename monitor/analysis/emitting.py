"""What leaves the analysis besides rows: alerts to their sinks after the commit, key frames to the archive."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from monitor.alerts import AlertState
from monitor.alerts.arrears import arrears_alerts
from monitor.alerts.sinks import AlertPost
from monitor.analysis.pictures import AlertPictures
from monitor.archive import FrameArchive, Kept
from monitor.clock import Clock, Instant
from monitor.errors import StoreError
from monitor.frame import FailedFrame, Frame
from monitor.records import FieldStateRecord, FrameResult
from monitor.records.alert import FieldNow
from monitor.records.run import Run
from monitor.settings.delivery import DeliverySettings
from monitor.store import Outbox

if TYPE_CHECKING:
    from monitor.analysis.loop import Progress

log = logging.getLogger(__name__)

MOST_IN_HAND = 20
"""So many messages may wait in memory for each sink; the others wait in the outbox."""
LOOK_EVERY_S = 5.0
"""Overdue alerts and reminders are looked after this often, seconds."""
SHOW_EVERY_S = 10.0
"""A field's figures are shown this often where nothing else changes, seconds."""
CLOSE_WITHIN_S = 2.0
"""At a stop the sinks have so long for what they are at, seconds; the rest is brought at the next start."""

_NOT_KEPT = Kept()


class Emitter:
    """Takes alerts from the outbox to the couriers, and what came of them back. All in the loop's thread.

    No sink is called here and nothing is waited for: a sink that fails or hangs costs the loop nothing.
    """

    def __init__(
        self,
        outbox: Outbox,
        post: AlertPost,
        settings: DeliverySettings,
        clock: Clock,
        archive: FrameArchive | None = None,
        pictures: AlertPictures | None = None,
    ) -> None:
        """`pictures`: None where no sink wants any."""
        self._outbox = outbox
        self._post = post
        self._settings = settings
        self._clock = clock
        self._archive = archive
        self._pictures = pictures
        self._looked: Instant | None = None
        self._told: dict[str, bool] | None = None
        self._told_run: int | None = None
        self._full: set[str] = set()
        self._shown: dict[str, FieldNow] = {}

    def archive(self, frame: Frame | FailedFrame, run_id: int, result: FrameResult) -> Kept:
        """Keep the frame if it is a key frame: one with an alert or a change of state, or one due by the clock."""
        if isinstance(frame, FailedFrame):
            return _NOT_KEPT
        if self._pictures is not None and result.alerts:
            self._pictures.hold(frame, run_id, result)
        if self._archive is None:
            return _NOT_KEPT
        changed = result.completion is not None and result.completion.changed
        return self._archive.offer(
            frame, run_id, result.elapsed_s, result.labels_HW, event=changed or bool(result.alerts)
        )

    @property
    def frame_archive(self) -> FrameArchive | None:
        """Where key frames go; None where none are kept."""
        return self._archive

    def deliver(self, run: Run | None) -> None:
        """Give out what is due and note what came of the rest; between two frames. Raises StoreError: call it again."""
        self._outbox.stage(self._post.collect())
        self._look_after(run)
        self._ask_for_more()
        if self._outbox.wants_exchange:
            due = self._outbox.exchange(run, self._post.in_hand, MOST_IN_HAND)
            self._post.offer(due)
            self._full = {name for name, held in self._post.in_hand.items() if len(held) >= MOST_IN_HAND}

    def observe(self, progress: Progress) -> None:
        """After a commit: let the sinks that can show how the field is now, at once where it changed."""
        seen = progress.silence or progress.last
        if not self._post.shows or progress.run is None or seen is None or seen.completion is None:
            return
        run, before, now = progress.run, self._shown.get(seen.field), self._clock.now()
        if before is not None and before.run_id != run.run_id:
            before = None
        changed = before is None or bool(seen.alerts) or before.state is not seen.completion.state
        if before is not None and not changed and now.seconds_since(before.at) < SHOW_EVERY_S:
            return
        t95_s = seen.completion.t95.elapsed_s
        shown = FieldNow(
            station=self._outbox.station,
            run_id=run.run_id,
            run_name=run.start.name,
            field=seen.field,
            at=now,
            state=seen.completion.state,
            crystals=seen.count if isinstance(seen, FrameResult) else None,
            fraction=seen.completion.fraction,
            t95_elapsed_s=None if t95_s is None else t95_s - run.zero_s,
            raised=before.raised if before is not None and not changed else _raised_rules(seen.state),
        )
        self._shown[seen.field] = shown
        self._post.show(shown)

    def close(self) -> None:
        """Let the sinks bring what can be brought within two seconds; what came of it is stored."""
        for name in self._post.close(CLOSE_WITHIN_S):
            log.warning("alert sink %s hangs; what it was sent is sent again at the next start", name)
        self._outbox.stage(self._post.collect())
        try:
            self._outbox.exchange(None, _NO_SINKS, MOST_IN_HAND)
        except StoreError as error:
            log.error("alerts may be sent again at the next start: %s", error)

    def _ask_for_more(self) -> None:
        """A sink that had its hands full, so that something may wait for it, has room again."""
        if any(len(self._post.in_hand[name]) < MOST_IN_HAND // 2 for name in self._full):
            self._outbox.read_again()

    def _look_after(self, run: Run | None) -> None:
        now = self._clock.now()
        if run is None or (self._looked is not None and now.seconds_since(self._looked) < LOOK_EVERY_S):
            return
        if self._told is None or self._told_run != run.run_id:
            self._told, self._told_run = self._outbox.told_of(run), run.run_id
        if any(self._post.in_hand.values()) or any(self._told.values()):
            late = self._outbox.arrears(self._settings.overdue_after_s)
            sinks = list(self._post.in_hand)
            told, self._told = self._told, None  # to be read again, should a commit's answer be lost
            for alert in arrears_alerts(told, sinks, late, self._settings.overdue_after_s, now):
                log.warning("%s", alert.message)
                self._outbox.tell(run, alert)
                told[alert.rule] = alert.raised
            self._told = told
        if self._settings.remind_every_s > 0:
            self._outbox.remind(run, self._settings.remind_every_s)
        self._looked = now


_NO_SINKS: Mapping[str, set[int]] = {}


def _raised_rules(state: FieldStateRecord | None) -> tuple[str, ...]:
    if state is None:
        return ()
    phases = AlertState.from_json(state.alerts_json).phases
    return tuple(sorted(name for name, phase in phases.items() if phase.raised))
