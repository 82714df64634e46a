"""One frozen record per stage of a frame's way; what sibling packages share."""

from monitor.records.alert import Alert, AlertNotice
from monitor.records.growth import CompletionState, Forecast, GrowthFit, SizeDistribution
from monitor.records.kinetics import InductionTime, KineticsStep
from monitor.records.labels import pack_labels, unpack_labels
from monitor.records.observation import FrameQuality, Observation
from monitor.records.result import Event, FieldStateRecord, FrameResult
from monitor.records.trail import TrackerStep, TrackPoint, TrailBirth, TrailEnd, TrailEvent
from monitor.records.vocabulary import (
    AlertKind,
    BirthKind,
    EndReason,
    EventKind,
    FrameStatus,
    Habit,
    RejectReason,
    RunState,
)

__all__ = [
    "Alert",
    "AlertKind",
    "AlertNotice",
    "BirthKind",
    "CompletionState",
    "EndReason",
    "Event",
    "EventKind",
    "FieldStateRecord",
    "Forecast",
    "FrameQuality",
    "FrameResult",
    "FrameStatus",
    "GrowthFit",
    "Habit",
    "InductionTime",
    "KineticsStep",
    "Observation",
    "RejectReason",
    "RunState",
    "SizeDistribution",
    "TrackPoint",
    "TrackerStep",
    "TrailBirth",
    "TrailEnd",
    "TrailEvent",
    "pack_labels",
    "unpack_labels",
]
