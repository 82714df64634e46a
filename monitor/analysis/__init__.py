"""The analysis process: frames in, trails, events and alerts out."""

from monitor.analysis.commands import (
    Acknowledge,
    Command,
    CommandServer,
    Mute,
    NewRun,
    SetZero,
    WriteNote,
    ask_daemon,
)
from monitor.analysis.loop import AnalysisLoop, Progress
from monitor.analysis.opening import Analysis, open_analysis, open_segmenter, run_analysis, tell_store
from monitor.analysis.pipeline import FieldPipeline
from monitor.analysis.replaying import replay
from monitor.analysis.stills import SegmentedStill, segment_stills

__all__ = [
    "Acknowledge",
    "Analysis",
    "AnalysisLoop",
    "Command",
    "CommandServer",
    "FieldPipeline",
    "Mute",
    "NewRun",
    "Progress",
    "SegmentedStill",
    "SetZero",
    "WriteNote",
    "ask_daemon",
    "open_analysis",
    "open_segmenter",
    "replay",
    "run_analysis",
    "segment_stills",
    "tell_store",
]
