"""What kinetics knows of a field between frames; the same whether it grew frame by frame or was rebuilt from
rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.kinetics.history import (
    SLOTS,
    History,
    empty_history,
    forget,
    remember,
    without_sizes,
)
from monitor.records import BirthKind, InductionTime, TrackerStep, TrackPoint, TrailBirth
from monitor.settings.kinetics import KineticsSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class KineticsState:
    """One field. Immutable; `absorb` gives the next."""

    history: History
    """Points of the living crystals."""
    births: Mapping[int, TrailBirth]
    """How the living, confirmed crystals began, by number."""
    frames_s: Floats
    """Elapsed times of the frames considered in the window, rising."""
    um_per_px: float | None
    """Calibration of the history; sizes are forgotten when it changes."""
    births_s: tuple[float, ...] = ()
    """First sightings of the crystals born in the window, elapsed seconds."""
    last_birth_s: float | None = None
    """Latest first sighting of a born crystal, elapsed seconds."""
    nucleus: TrailBirth | None = None
    """The first crystal that was born in the run."""
    induction: InductionTime | None = None
    """As far as it is known."""
    started_s: float | None = None
    """Elapsed time of the field's first frame, seconds."""

    def same_as(self, other: KineticsState) -> bool:
        """Whether both are identical, bit for bit."""
        return (
            self.history.same_as(other.history)
            and dict(self.births) == dict(other.births)
            and np.array_equal(self.frames_s, other.frames_s)
            and (
                self.um_per_px,
                self.births_s,
                self.last_birth_s,
                self.nucleus,
                self.induction,
                self.started_s,
            )
            == (
                other.um_per_px,
                other.births_s,
                other.last_birth_s,
                other.nucleus,
                other.induction,
                other.started_s,
            )
        )


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """One frame as it is read back from the store, for `rebuild`."""

    elapsed_s: float
    """Seconds since the run's zero."""
    um_per_px: float | None
    """Its calibration."""
    tracker: TrackerStep | None
    """Its points, births and ends; None for a frame that was not `ok`."""


def initial_state(settings: KineticsSettings) -> KineticsState:
    """Nothing seen yet."""
    slots = SLOTS + 2 + settings.min_points
    return KineticsState(empty_history(slots, settings.birth_points), {}, np.zeros(0), None)


def rebuild_span_s(settings: KineticsSettings) -> float:
    """How far back, from a crystal's last point, its stored points are needed to rebuild the very same
    state."""
    return settings.window_s * (1 + 1 / SLOTS)


def rebuild(frames: Iterable[StoredFrame], settings: KineticsSettings) -> KineticsState:
    """The state that absorbing every frame would have given, from stored frames in order of time.

    Needed of every living crystal: its `TrailBirth`, its first `birth_points` points, its last
    2·`min_points`, and all within `rebuild_span_s` of its last; of the field: the frames (points or none)
    within that span, the births of the window, the first birth of the run. Points of crystals that have ended
    may be left out.
    """
    state = initial_state(settings)
    for frame in frames:
        state = absorb(state, frame.tracker, frame.elapsed_s, frame.um_per_px, settings)
    return state


def absorb(
    state: KineticsState,
    tracker: TrackerStep | None,
    elapsed_s: float,
    um_per_px: float | None,
    settings: KineticsSettings,
) -> KineticsState:
    """`state` with one frame more; `tracker` is None for a frame that was not `ok`."""
    frames_s = np.append(state.frames_s, elapsed_s)
    recent = int(np.searchsorted(frames_s, elapsed_s - rebuild_span_s(settings)))
    frames_s = frames_s[min(recent, max(frames_s.size - 2 * settings.min_points, 0)) :]
    started_s = elapsed_s if state.started_s is None else state.started_s
    births_s = tuple(s for s in state.births_s if s > elapsed_s - settings.window_s)
    state = replace(state, frames_s=frames_s, births_s=births_s, started_s=started_s)
    if tracker is None:
        return state
    history = state.history
    if um_per_px != state.um_per_px:
        history = without_sizes(history)
    points = sorted((p for p in tracker.updated if p.fit_for_growth and not p.carried), key=_number)
    if points:
        ids = np.array([p.crystal_id for p in points], np.int64)
        sizes = np.array([(p.observation.equivalent_diameter_px, p.observation.perimeter_px) for p in points])
        history = remember(history, ids, elapsed_s, sizes, settings.window_s, settings.min_points)
    gone = (*(e.crystal_id for e in tracker.ended), *tracker.dropped)
    state = replace(state, history=forget(history, gone), um_per_px=um_per_px)
    return _with_births(state, tracker, gone, elapsed_s - settings.window_s)


def _number(point: TrackPoint) -> int:
    return point.crystal_id


def _with_births(
    state: KineticsState, tracker: TrackerStep, gone: tuple[int, ...], window_begin_s: float
) -> KineticsState:
    if not tracker.born and not gone:
        return state
    births = {b.crystal_id: b for b in (*state.births.values(), *tracker.born)}
    for crystal_id in gone:
        births.pop(crystal_id, None)
    born = [b for b in tracker.born if b.kind is BirthKind.BORN]
    state = replace(state, births=births)
    if not born:
        return state
    latest_s = max(b.first_seen_s for b in born)
    last_s = latest_s if state.last_birth_s is None else max(latest_s, state.last_birth_s)
    births_s = (*state.births_s, *(b.first_seen_s for b in born if b.first_seen_s > window_begin_s))
    nucleus = state.nucleus
    if nucleus is None:
        nucleus = min(born, key=lambda b: (b.first_seen_s, b.crystal_id))
    return replace(state, births_s=births_s, last_birth_s=last_s, nucleus=nucleus)
