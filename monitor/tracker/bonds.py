"""Bodies that fuse and crystals that fall into pieces: believed only once they last.

In dense fields a segmentation fuses two touching crystals in one frame and resolves them in the next. Until
it is sure that they stay one, the parents have a gap and keep their numbers; the fused body belongs to
nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitor.settings.tracking import TrackingSettings
from monitor.tracker.bodies import Bodies
from monitor.tracker.overlap import Overlaps
from monitor.tracker.trail import Trail


@dataclass(frozen=True, slots=True)
class Swallowed:
    """Trails that were seen only as part of a larger body, observation `seen`."""

    seen: int
    """Position of the observation."""
    host: int | None
    """Position of the trail that goes on as that body; None where none dominates."""
    trails: tuple[int, ...]
    """Positions of the trails inside it, the host not among them."""
    added_up: bool
    """Whether the body has the area of all of them together, within the tolerance, or more."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A trail that was seen in pieces."""

    trail: int
    """Position of the trail."""
    seen: tuple[int, ...]
    """Positions of the pieces, the largest first."""
    dominated: bool
    """Whether the largest piece goes on as the crystal."""


@dataclass(frozen=True, slots=True)
class Bonds:
    """What one frame shows of fusions and pieces."""

    swallowed: tuple[Swallowed, ...] = ()
    """Bodies that hold several crystals."""
    pieces: tuple[Pieces, ...] = ()
    """Crystals that are in pieces."""
    taken: frozenset[int] = field(default_factory=frozenset)
    """Observations that belong to these and must not begin trails."""


def find_bonds(
    trails: Sequence[Trail],
    seen: Bodies,
    overlaps: Overlaps,
    match: NDArray[np.int64],
    settings: TrackingSettings,
) -> Bonds:
    """Find fusions and pieces; `match` (see `associate`) loses the links of crystals that none dominates."""
    swallowed = _find_swallowed(trails, seen, overlaps, match, settings)
    fused = frozenset(each.seen for each in swallowed)
    busy = {host for each in swallowed if (host := each.host) is not None}
    for each in swallowed:
        busy.update(each.trails)
    pieces = _find_pieces(trails, seen, overlaps, match, settings, fused, busy)
    taken = {each.seen for each in swallowed if each.host is None}
    for broken in pieces:
        if not broken.dominated:
            taken.update(broken.seen)
    return Bonds(swallowed, pieces, frozenset(taken))


def _find_swallowed(
    trails: Sequence[Trail],
    bodies: Bodies,
    overlaps: Overlaps,
    match: NDArray[np.int64],
    settings: TrackingSettings,
) -> tuple[Swallowed, ...]:
    host_of = {int(seen): index for index, seen in enumerate(match) if seen >= 0}
    inside: dict[int, list[int]] = defaultdict(list)
    for index in np.flatnonzero(
        (overlaps.of_trail >= settings.inside_fraction) & (match[overlaps.trail] < 0)
    ):
        trail = int(overlaps.trail[index])
        if trails[trail].confirmed:
            inside[int(overlaps.seen[index])].append(trail)
    result = []
    for seen, candidates in inside.items():
        host = host_of.get(seen)
        if host is not None and not trails[host].confirmed:
            continue
        everyone = candidates if host is None else [host, *candidates]
        latest = max(trails[each].last_seen_s for each in everyone)
        # An outline remembered from before the others were last seen was not swallowed but missed.
        lodgers = [
            each for each in candidates if trails[each].hidden_frames or trails[each].last_seen_s >= latest
        ]
        if not lodgers or (host is None and len(lodgers) < 2):
            continue
        inside_area = sum(trails[each].area_px for each in lodgers)
        own = 0.0 if host is None else trails[host].area_px
        added_up = bool(bodies.areas_px[seen] >= (1 - settings.merge_area_tolerance) * (own + inside_area))
        if host is not None and added_up and own < settings.dominant_share * (own + inside_area):
            match[host] = -1
            lodgers.append(host)
            host = None
        result.append(Swallowed(seen, host, tuple(sorted(lodgers)), added_up))
    return tuple(result)


def _find_pieces(
    trails: Sequence[Trail],
    seen: Bodies,
    overlaps: Overlaps,
    match: NDArray[np.int64],
    settings: TrackingSettings,
    fused: frozenset[int],
    busy: set[int],
) -> tuple[Pieces, ...]:
    linked = {int(each) for each in match if each >= 0}
    parts: dict[int, list[int]] = defaultdict(list)
    for index in np.flatnonzero(overlaps.of_seen >= settings.inside_fraction):
        trail, other = int(overlaps.trail[index]), int(overlaps.seen[index])
        if other not in linked and other not in fused and trail not in busy and trails[trail].confirmed:
            parts[trail].append(other)
    result = []
    for trail, others in parts.items():
        whole = int(match[trail])
        pieces = sorted(
            others if whole < 0 else [whole, *others], key=lambda each: -float(seen.areas_px[each])
        )
        if len(pieces) < 2:
            continue
        areas = [float(seen.areas_px[each]) for each in pieces]
        dominated = areas[0] >= settings.dominant_share * sum(areas)
        match[trail] = pieces[0] if dominated else -1
        result.append(Pieces(trail, tuple(pieces), dominated))
    return tuple(result)
