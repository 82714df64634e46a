"""Which observation continues which trail: overlap first, nearness for what moved or is small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from monitor.settings.tracking import TrackingSettings
from monitor.tracker.bodies import Bodies
from monitor.tracker.motion import SURE_OVERLAP, Shift
from monitor.tracker.overlap import Float, Index, Overlaps

NEARNESS_GAIN = 0.1
"""Most that nearness without overlap is worth, on the scale of the overlap: any overlap that counts is worth
more."""
LIKE_AREAS = 2.5
"""Largest ratio of areas of two outlines that are linked by nearness alone."""


def associate(
    trails: Bodies, seen: Bodies, overlaps: Overlaps, shift_px: Shift, settings: TrackingSettings
) -> NDArray[np.int64]:
    """Position of the observation that continues each trail, −1 for none; int64, shape (number of trails,).

    Maximises the sum of gains (intersection over union; a little for nearness) over one-to-one links: sure
    overlaps at once, the rest as an assignment problem in each connected part of the graph of candidates.
    """
    match = np.full(len(trails), -1, np.int64)
    if not len(trails) or not len(seen):
        return match
    accepted = _alike(trails, seen, overlaps.trail, overlaps.seen, settings)
    inside = np.maximum(overlaps.of_trail, overlaps.of_seen) >= settings.inside_fraction
    accepted &= (overlaps.iou >= settings.min_overlap) | inside
    sure = accepted & (overlaps.iou > SURE_OVERLAP)
    match[overlaps.trail[sure]] = overlaps.seen[sure]
    free_trail = match < 0
    free_seen = np.ones(len(seen), bool)
    free_seen[overlaps.seen[sure]] = False
    rest = accepted & free_trail[overlaps.trail] & free_seen[overlaps.seen]
    near_trail, near_seen, near_gain = _near(
        trails, seen, shift_px, np.flatnonzero(free_trail), np.flatnonzero(free_seen), settings
    )
    _assign(
        np.concatenate([overlaps.trail[rest], near_trail]),
        np.concatenate([overlaps.seen[rest], near_seen]),
        np.concatenate([overlaps.iou[rest] + NEARNESS_GAIN, near_gain]),
        match,
        len(seen),
    )
    return match


def _alike(
    trails: Bodies, seen: Bodies, trail: Index, other: Index, settings: TrackingSettings
) -> NDArray[np.bool_]:
    ratio = seen.areas_px[other] / trails.areas_px[trail]
    change = np.abs(seen.diameters_px[other] - trails.diameters_px[trail])
    within = np.maximum(ratio, 1 / ratio) <= settings.max_area_ratio
    return np.asarray(within | (change <= settings.max_growth_px))


def _near(
    trails: Bodies,
    seen: Bodies,
    shift_px: Shift,
    free_trail: Index,
    free_seen: Index,
    settings: TrackingSettings,
) -> tuple[Index, Index, Float]:
    nothing = np.empty(0, np.int64)
    if not len(free_trail) or not len(free_seen):
        return nothing, nothing, np.empty(0)
    expected = trails.centres_px[free_trail] + np.array(shift_px)
    gate = np.maximum(settings.gate_min_px, settings.gate_diameters * trails.diameters_px[free_trail])
    found = cKDTree(seen.centres_px[free_seen]).query_ball_point(expected, gate)
    counts = np.array([len(each) for each in found])
    if not counts.any():
        return nothing, nothing, np.empty(0)
    of = np.repeat(np.arange(len(free_trail)), counts)
    other = free_seen[np.concatenate([np.array(each, np.int64) for each in found if each])]
    trail = free_trail[of]
    distance = np.hypot(*(seen.centres_px[other] - expected[of]).T) / gate[of]
    unlike = np.abs(np.log(seen.areas_px[other] / trails.areas_px[trail])) / np.log(LIKE_AREAS)
    good = unlike <= 1
    gain = NEARNESS_GAIN * (1 - 0.5 * distance - 0.4 * unlike)
    return trail[good], other[good], gain[good]


def _assign(trail: Index, seen: Index, gain: Float, match: Index, seen_count: int) -> None:
    """Solve each connected part of the candidates' graph; writes into `match`."""
    if not len(trail):
        return
    trails = len(match)
    size = trails + seen_count
    graph = coo_matrix((np.ones(len(trail)), (trail, trails + seen)), shape=(size, size))
    _, part = connected_components(graph, directed=False)
    order = np.lexsort((-gain, part[trail]))
    trail, seen, gain = trail[order], seen[order], gain[order]
    for edges in np.split(np.arange(len(trail)), np.flatnonzero(np.diff(part[trail])) + 1):
        if len(edges) == 1:
            match[trail[edges[0]]] = seen[edges[0]]
            continue
        rows, row = np.unique(trail[edges], return_inverse=True)
        columns, column = np.unique(seen[edges], return_inverse=True)
        table = np.zeros((len(rows), len(columns)))
        np.maximum.at(table, (row, column), gain[edges])
        chosen_row, chosen_column = linear_sum_assignment(table, maximize=True)
        linked = table[chosen_row, chosen_column] > 0
        match[rows[chosen_row[linked]]] = columns[chosen_column[linked]]
