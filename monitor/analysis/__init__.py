"""The analysis process: frames in, trails, events and alerts out.

A name's module is imported when the name is first asked for: who segments stills waits for no database and no scipy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.analysis.addressing import meant_endpoint, place_of
    from monitor.analysis.asking import ask_daemon
    from monitor.analysis.commands import (
        Acknowledge,
        AskStatus,
        Command,
        CommandServer,
        Mute,
        NewRun,
        SetZero,
        WriteNote,
    )
    from monitor.analysis.daemon_status import DaemonStatus
    from monitor.analysis.knocking import Door, knock
    from monitor.analysis.loop import AnalysisLoop, Observer, Progress, Waiting
    from monitor.analysis.opening import Analysis, open_analysis, run_analysis, tell_store
    from monitor.analysis.pipeline import FieldPipeline
    from monitor.analysis.replaying import replay
    from monitor.analysis.segmenting import open_segmenter
    from monitor.analysis.stills import SegmentedStill, segment_stills

__all__ = [
    "Acknowledge",
    "Analysis",
    "AnalysisLoop",
    "AskStatus",
    "Command",
    "CommandServer",
    "DaemonStatus",
    "Door",
    "FieldPipeline",
    "Mute",
    "NewRun",
    "Observer",
    "Progress",
    "SegmentedStill",
    "SetZero",
    "Waiting",
    "WriteNote",
    "ask_daemon",
    "knock",
    "meant_endpoint",
    "open_analysis",
    "open_segmenter",
    "place_of",
    "replay",
    "run_analysis",
    "segment_stills",
    "tell_store",
]

_HOME = {
    "Acknowledge": "commands",
    "Analysis": "opening",
    "AnalysisLoop": "loop",
    "ask_daemon": "asking",
    "Door": "knocking",
    "knock": "knocking",
    "meant_endpoint": "addressing",
    "place_of": "addressing",
    "AskStatus": "commands",
    "Command": "commands",
    "CommandServer": "commands",
    "DaemonStatus": "daemon_status",
    "FieldPipeline": "pipeline",
    "Mute": "commands",
    "NewRun": "commands",
    "Observer": "loop",
    "open_analysis": "opening",
    "open_segmenter": "segmenting",
    "Progress": "loop",
    "replay": "replaying",
    "run_analysis": "opening",
    "segment_stills": "stills",
    "SegmentedStill": "stills",
    "SetZero": "commands",
    "tell_store": "opening",
    "Waiting": "loop",
    "WriteNote": "commands",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
