"""Which rows of `event_log` a frame makes: births, ends, changes of state, alerts, and what came as events.

The tracker and the analysis may report any of them themselves: one of the same kind for the same crystal is
not written twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from monitor.records.alert import Alert
from monitor.records.growth import CompletionState
from monitor.records.result import Event, FrameResult
from monitor.records.trail import TrailBirth, TrailEnd
from monitor.records.vocabulary import BirthKind, EndReason, EventKind, RunState

_BIRTH_KINDS = {BirthKind.BORN: EventKind.BIRTH, BirthKind.ENTERED: EventKind.ENTRY}
_END_KINDS = {
    EndReason.DISSOLVED: EventKind.DISSOLUTION,
    EndReason.LEFT: EventKind.DEPARTURE,
    EndReason.LOST: EventKind.LOSS,
}
_END_WORDS = {
    EndReason.DISSOLVED: "dissolved: it shrank below the detection limit",
    EndReason.LEFT: "left the field",
    EndReason.LOST: "was lost from sight",
}


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event with what only some events have."""

    event: Event
    """What happened."""
    alert: Alert | None = None
    """The alert, where it is one."""
    details: Mapping[str, float] = field(default_factory=dict)
    """The values that decided a change of state."""


def events_of(result: FrameResult, previous: RunState | None, nucleated: bool) -> list[EventRow]:
    """The frame's events in order; `previous`: the field's state before; `nucleated`: it has a birth behind it,
    or had crystals from the start: what is born then is no first nucleation.
    """
    tracker = result.tracker
    given = [EventRow(event) for event in result.events]
    if tracker is not None:
        given += [
            EventRow(Event(event.kind, event.message, event.crystal_id, event.value))
            for event in tracker.events
        ]
    derived = [
        EventRow(event) for event in _births(tracker.born if tracker else (), nucleated, result.elapsed_s)
    ]
    derived += [EventRow(event) for event in _ends(tracker.ended if tracker else ())]
    told = {(row.event.kind, row.event.crystal_id) for row in given}
    rows = given + [row for row in derived if (row.event.kind, row.event.crystal_id) not in told]
    return rows + state_and_alert_events(result.completion, result.alerts, previous)


def state_and_alert_events(
    completion: CompletionState | None, alerts: tuple[Alert, ...], previous: RunState | None
) -> list[EventRow]:
    """The change of the field's state, if it changed, then the alerts."""
    rows = [EventRow(_alert_event(alert), alert) for alert in alerts]
    if completion is not None and completion.changed:
        rows.insert(0, _state_change(completion, previous))
    return rows


def _births(born: tuple[TrailBirth, ...], nucleated: bool, elapsed_s: float) -> Iterator[Event]:
    nucleated = nucleated or any(birth.kind is BirthKind.PRESENT_AT_START for birth in born)
    for birth in born:
        kind = _BIRTH_KINDS.get(birth.kind)
        if kind is None:
            continue
        if kind is EventKind.BIRTH and not nucleated:
            nucleated = True
            yield Event(
                EventKind.NUCLEATION,
                f"first nucleation: crystal {birth.crystal_id}",
                birth.crystal_id,
                birth.first_seen_s,
            )
        what = "was born" if kind is EventKind.BIRTH else "entered over the border"
        # How long before, not when: the run's time zero may be set later, and moves no word that is written.
        message = (
            f"crystal {birth.crystal_id} {what}, first seen {elapsed_s - birth.first_seen_s:.6g} s before"
        )
        yield Event(kind, message, birth.crystal_id, birth.first_seen_s)


def _ends(ended: tuple[TrailEnd, ...]) -> Iterator[Event]:
    for end in ended:
        kind = _END_KINDS.get(end.reason)
        if kind is not None:
            yield Event(
                kind, f"crystal {end.crystal_id} {_END_WORDS[end.reason]}", end.crystal_id, end.ended_s
            )


def _state_change(completion: CompletionState, previous: RunState | None) -> EventRow:
    kind = EventKind.STATE
    if completion.state is RunState.COMPLETE:
        kind = EventKind.COMPLETE
    elif previous is RunState.COMPLETE and completion.state is not RunState.BLIND:
        kind = EventKind.REOPENED
    before = f" (before: {previous})" if previous is not None else ""
    message = f"{completion.state}{before}: {completion.explanation}".removesuffix(": ")
    return EventRow(Event(kind, message, None, completion.fraction), details=completion.decided_by)


def _alert_event(alert: Alert) -> Event:
    kind = EventKind.ALERT_RAISED if alert.raised else EventKind.ALERT_CLEARED
    return Event(kind, alert.message, alert.crystal_id, alert.value)
