"""Losses that came with answers of the source and are not stored yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monitor.frame import FailedFrame, Frame, FrameLoss
from monitor.source import LossReason


class WaitingLosses:
    """Kept by session until the session's next frame, or its end, is stored with them."""

    def __init__(self) -> None:
        """None."""
        self._losses: list[FrameLoss] = []
        self._storage_was_out = False

    def add(self, losses: Iterable[FrameLoss]) -> dict[str, int]:
        """Keep them; how many frames count under another reason than they came with, by that reason."""
        moved: dict[str, int] = {}
        for loss in losses:
            kept = loss
            if self._storage_was_out and loss.reason == LossReason.SUPERSEDED:
                kept = replace(loss, reason=LossReason.STORAGE.value)
                moved[loss.reason] = moved.get(loss.reason, 0) + loss.count
            self._losses.append(kept)
        return moved

    def add_repeated(self, frame: Frame | FailedFrame) -> None:
        """A frame that was considered before. A whole folder of them is one range."""
        index = frame.frame_index
        loss = FrameLoss(frame.session, index, index, LossReason.REPEATED.value, frame.field)
        last = self._losses[-1] if self._losses else None
        goes_on = last is not None and last.last_index + 1 == index
        if last is not None and goes_on and replace(last, first_index=index, last_index=index) == loss:
            self._losses[-1] = replace(last, last_index=index)
        else:
            self._losses.append(loss)

    def repeating_session(self) -> str | None:
        """The session of frames that were considered before, where some wait to be stored."""
        found = (loss.session for loss in self._losses if loss.reason == LossReason.REPEATED)
        return next(found, None)

    def blame_storage(self, out: bool) -> None:
        """Whether what was passed over, from now on, was passed over because nothing could be stored."""
        self._storage_was_out = out

    def of(self, session: str) -> tuple[FrameLoss, ...]:
        """The session's."""
        return tuple(loss for loss in self._losses if loss.session == session)

    def take(self, session: str) -> tuple[FrameLoss, ...]:
        """The session's, which are kept no longer."""
        found = self.of(session)
        self._losses = [loss for loss in self._losses if loss.session != session]
        return found

    def other_sessions(self, session: str) -> list[str]:
        """Every other session that has some."""
        return sorted({loss.session for loss in self._losses} - {session})
