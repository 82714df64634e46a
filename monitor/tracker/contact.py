"""Contact between crystals: told once per pair, and remembered, so that growth is not fitted across it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.records import EventKind, Observation, TrailEvent
from monitor.settings.tracking import TrackingSettings
from monitor.tracker.trail import Trail


@dataclass(frozen=True, slots=True)
class NeighbourLabels:
    """Labels of the frame that are no measured crystals of their own."""

    loose: frozenset[int]
    """Bodies that belong to no trail yet (fused, in pieces): they count as neighbours, without an event."""
    carried: frozenset[int]
    """Crystals carried over from an earlier frame: neighbours, but nothing new is learnt of their own contacts."""


def note_contact(
    trails: dict[int, Trail],
    observation_of: Mapping[int, Observation],
    others_of: NeighbourLabels,
    elapsed_s: float,
    settings: TrackingSettings,
    *,
    tell: bool,
) -> list[TrailEvent]:
    """Update the memory of contact of every trail with a point in this frame; the events of new pairs.

    `observation_of` is by crystal number. Tentative crystals do not count: they may be dirt. With `tell`
    False no pair makes an event: in a field's first frame crystals that touch did so before.
    """
    owner = {observation.label: number for number, observation in observation_of.items()}
    events = []
    for number, observation in observation_of.items():
        trail = trails[number]
        if observation.label in others_of.carried:
            continue
        if not observation.contact_labels and trail.last_contact_s is None:
            continue
        others = sorted(owner[label] for label in observation.contact_labels if label in owner)
        others = [other for other in others if trails[other].confirmed]
        touching = bool(others) or any(label in others_of.loose for label in observation.contact_labels)
        trail = _in_contact(trail, elapsed_s) if touching else _apart(trail, elapsed_s, settings)
        if trail.confirmed:
            new = [other for other in others if other not in trail.partners]
            events += [_event(number, other) for other in new if tell and number < other]
            if new:
                trail = replace(trail, partners=tuple(sorted((*trail.partners, *new))))
        trails[number] = trail
    return events


def _event(number: int, other: int) -> TrailEvent:
    return TrailEvent(
        EventKind.CONTACT,
        number,
        f"crystals {number} and {other} touch; growth is not fitted from here on",
        float(other),
    )


def _in_contact(trail: Trail, elapsed_s: float) -> Trail:
    return replace(trail, last_contact_s=elapsed_s, apart_frames=0)


def _apart(trail: Trail, elapsed_s: float, settings: TrackingSettings) -> Trail:
    if trail.last_contact_s is None:
        return trail
    frames = trail.apart_frames + 1
    long_ago = elapsed_s - trail.last_contact_s >= settings.contact_memory_s
    if long_ago and frames >= settings.contact_memory_frames:
        return replace(trail, last_contact_s=None, apart_frames=0)
    return replace(trail, apart_frames=frames)
