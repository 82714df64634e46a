"""`LatestSource`: the newest frame, for live monitoring."""

from __future__ import annotations

from monitor.settings.stream import StreamPolicy
from monitor.source.ledger import LossReason
from monitor.source.stream import StreamSource


class LatestSource(StreamSource):
    """Each `next` asks for the newest frame at that moment, or waits for the next one.

    So a frame is at most one camera period and its way old, however long the analysis of the one before took.
    Frames in between are counted as `superseded`.
    """

    policy = StreamPolicy.LATEST
    gap_reason = LossReason.SUPERSEDED
