"""`LosslessSource`: every frame; the camera waits."""

from __future__ import annotations

from monitor.settings.stream import StreamPolicy
from monitor.source.ledger import LossReason
from monitor.source.stream import StreamSource


class LosslessSource(StreamSource):
    """Each `next` acknowledges the frame before; the grabber keeps a frame until then, and stops the
    camera meanwhile."""

    policy = StreamPolicy.LOSSLESS
    gap_reason = LossReason.LOST
