"""The ledger of losses: per session, every sequence number is given or lost, exactly once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.frame import DEFAULT_FIELD, FrameLoss


class LossReason(StrEnum):
    """Why a frame was never considered (`FrameLoss.reason`)."""

    SUPERSEDED = "superseded"
    """A newer frame was taken instead, policy `latest`."""
    STORAGE = "storage"
    """Passed over, policy `latest`, while nothing could be stored: a full disk, a database server that was away."""
    REPEATED = "repeated"
    """A file that an earlier session of the run brought already: it was considered then."""
    LOST = "lost"
    """The grabber had it, or sent it, and it did not arrive."""
    DECODE = "decode"
    """It arrived malformed."""
    UNKNOWN = "unknown"
    """It belongs to the tail of a session that was killed."""


@dataclass(slots=True)
class SessionLedger:
    """One session's account."""

    session: str
    """The session."""
    considered: int = -1
    """Last sequence number that is accounted for."""
    newest: int = -1
    """Newest sequence number that the grabber spoke of."""
    field: str = DEFAULT_FIELD
    """Field of the frames so far."""

    def is_new(self, index: int) -> bool:
        """Whether that number is not accounted for yet."""
        return index > self.considered

    def arrive(
        self, index: int, usual: LossReason, sent_before: int = -1, sent_reason: LossReason = LossReason.LOST
    ) -> tuple[FrameLoss, ...]:
        """A frame with that number came: what lies between it and the last one is lost.

        `usual` is the reason for most of the gap; `sent_before` is a number in it that had been sent to us,
        which did not arrive for `sent_reason`.
        """
        assert self.is_new(index), "only frames that are not accounted for arrive"
        losses = self._lose(index - 1, usual, sent_before, sent_reason)
        self.considered = index
        self.newest = max(self.newest, index)
        return losses

    def end(self, last_index: int, reason: LossReason) -> tuple[FrameLoss, ...]:
        """The session is over and had frames up to `last_index`: what is not accounted for is lost."""
        self.newest = max(self.newest, last_index)
        return self._lose(last_index, reason)

    def _lose(
        self, last: int, usual: LossReason, sent_before: int = -1, sent_reason: LossReason = LossReason.LOST
    ) -> tuple[FrameLoss, ...]:
        first = self.considered + 1
        if first > last:
            return ()
        self.considered = last
        if not first <= sent_before <= last or sent_reason == usual:
            return (self._loss(first, last, usual),)
        ranges: Sequence[tuple[int, int, LossReason]] = (
            (first, sent_before - 1, usual),
            (sent_before, sent_before, sent_reason),
            (sent_before + 1, last, usual),
        )
        return tuple(self._loss(*entry) for entry in ranges if entry[0] <= entry[1])

    def _loss(self, first: int, last: int, reason: LossReason) -> FrameLoss:
        return FrameLoss(self.session, first, last, reason.value, self.field)
