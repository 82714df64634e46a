"""Frames for the analysis: from the grabber by either policy, or replayed from files."""

from monitor.source.latest import LatestSource
from monitor.source.ledger import LossReason
from monitor.source.lossless import LosslessSource
from monitor.source.opening import connect_source
from monitor.source.protocol import FrameSource, Notice, NoticeKind, Received
from monitor.source.replay import ReplaySource
from monitor.source.statistics import SourceStatistics
from monitor.source.stream import ResumePoint

__all__ = [
    "FrameSource",
    "LatestSource",
    "LossReason",
    "LosslessSource",
    "Notice",
    "NoticeKind",
    "Received",
    "ReplaySource",
    "ResumePoint",
    "SourceStatistics",
    "connect_source",
]
