"""What the engine has to say about itself, in the words of the records: events, and whether it is as it should be."""

from __future__ import annotations

from dataclasses import dataclass

from engine import EngineError, Segmentation
from engine.lineup import ChangeKind, EngineChange
from monitor.records import Event, EventKind

_KINDS = {
    ChangeKind.LOST: EventKind.ENGINE_DEGRADED,
    ChangeKind.SWAPPED: EventKind.ENGINE_SWAPPED,
    ChangeKind.REFUSED: EventKind.ENGINE_REFUSED,
}


@dataclass(frozen=True, slots=True)
class EngineReport:
    """One frame's share of it."""

    events: tuple[Event, ...]
    """What changed since the last frame."""
    works: bool | None
    """Whether the back end that should serve does, and did for the whole of the frame; None: nobody says."""
    says: str
    """What runs, and what is missing and why."""


def report_of_frame(segmentation: Segmentation, failed_before: bool) -> EngineReport:
    """The report of a frame that was segmented; `failed_before`: the one before could not be."""
    events = tuple(_event(change) for change in segmentation.changes if _is_told(change))
    if failed_before:
        events = (*events, Event(EventKind.ENGINE_BACK, f"{segmentation.backend} works again"))
    condition = segmentation.condition
    if condition is None:
        return EngineReport(events, None, f"{segmentation.backend} runs")
    lost = [change.message for change in segmentation.changes if change.kind is ChangeKind.LOST]
    if lost and not condition.degraded:  # lost and replaced by its own like within the frame
        return EngineReport(events, False, lost[-1])
    return EngineReport(events, not condition.degraded, condition.message)


def report_of_failure(error: EngineError, failed_before: bool) -> EngineReport:
    """The report of a frame that no back end could do: told once, until one works again."""
    events = () if failed_before else (Event(EventKind.ENGINE_FAILED, str(error)),)
    return EngineReport(events, False, str(error))


def _is_told(change: EngineChange) -> bool:
    """What left nothing to run was told as the frame's failure."""
    return change.kind is not ChangeKind.LOST or bool(change.backend)


def _event(change: EngineChange) -> Event:
    return Event(_KINDS[change.kind], change.message)
