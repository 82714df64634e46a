"""From settings to the source of a stream."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.clock import Clock
from monitor.frame import DEFAULT_FIELD
from monitor.settings.stream import StreamPolicy, StreamSettings
from monitor.source.latest import LatestSource
from monitor.source.lossless import LosslessSource
from monitor.source.protocol import FrameSource
from monitor.source.stream import ResumePoint


def connect_source(
    settings: StreamSettings, clock: Clock, resume: Sequence[ResumePoint] = (), field: str = DEFAULT_FIELD
) -> FrameSource:
    """The source for the stream's policy, closed.

    `resume`: by session, newest first, the number of the last frame (or loss) that an earlier process committed, so
    that the ledger and, under `lossless`, the frames go on from the newest that the grabber knows of. `field`: the
    camera's, for losses before its first frame.
    """
    match settings.policy:
        case StreamPolicy.LATEST:
            return LatestSource(settings, clock, resume, field)
        case StreamPolicy.LOSSLESS:
            return LosslessSource(settings, clock, resume, field)
