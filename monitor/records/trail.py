"""What the tracker says: which crystal each observation is, which trails began and ended, and why."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.records.observation import Observation
from monitor.records.vocabulary import BirthKind, EndReason, EventKind


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """One point of a trail: a crystal with its identity in one frame."""

    crystal_id: int
    """The crystal's number in its run and field, from 1; never reused."""
    frame_index: int
    """The frame's sequence number."""
    elapsed_s: float
    """Time since the run's zero, seconds."""
    observation: Observation
    """What was measured."""
    confirmed: bool
    """Whether the trail is confirmed (views show confirmed trails only, with their earlier points)."""
    carried: bool = False
    """Whether the value was carried over from an earlier frame: never a point in a fit."""
    fit_for_growth: bool = True
    """False where growth must not be fitted through the point: border, contact, after a merge, carried."""


@dataclass(frozen=True, slots=True)
class TrailBirth:
    """A trail began. Reported once, when it is confirmed."""

    crystal_id: int
    """The crystal's number."""
    kind: BirthKind
    """How it began."""
    first_seen_s: float
    """Elapsed time of its first point, seconds."""
    last_clear_s: float | None
    """Elapsed time of the last good frame before, in which it was not there, seconds; None if there was
    none."""
    split_from: int | None = None
    """The crystal that it split from."""


@dataclass(frozen=True, slots=True)
class TrailEnd:
    """A trail ended."""

    crystal_id: int
    """The crystal's number."""
    reason: EndReason
    """Why."""
    ended_s: float
    """Elapsed time of its last point, seconds."""
    merged_into: int | None = None
    """The crystal that it merged into, for `merged`."""


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """Something that happened to a crystal: contact, merge, split, return; a row in `event_log`."""

    kind: EventKind
    """What."""
    crystal_id: int
    """To which crystal."""
    message: str
    """In the user's terms."""
    value: float | None = None
    """The figure that belongs to it: the other crystal's number for contact and merge."""


@dataclass(frozen=True, slots=True)
class TrackerStep:
    """What one frame did to the trails of its field."""

    updated: tuple[TrackPoint, ...]
    """A point for every observation that belongs to a trail, tentative ones included; ordered by crystal
    number."""
    born: tuple[TrailBirth, ...] = ()
    """Trails confirmed in this frame."""
    ended: tuple[TrailEnd, ...] = ()
    """Trails that ended."""
    events: tuple[TrailEvent, ...] = ()
    """Contacts, merges, splits, returns, of confirmed trails."""
    dropped: tuple[int, ...] = ()
    """Tentative trails that were never confirmed; their points stay out of the views."""
    shift_x_px: float = 0.0
    """Common motion of the crystals against the last good frame, columns, px."""
    shift_y_px: float = 0.0
    """Common motion of the crystals against the last good frame, rows, px."""
    unresolved: tuple[Observation, ...] = ()
    """Bodies of confirmed crystals that have no point in this frame: fused, or in pieces, and not yet known
    to stay so. Their area belongs to the field's total, so that a flickering boundary does not look like
    dissolution."""
