"""The common motion of all crystals between two frames: the view drifted, or the stage was pushed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from monitor.settings.tracking import TrackingSettings
from monitor.tracker.bodies import Bodies, Float
from monitor.tracker.overlap import Overlaps

Shift = tuple[float, float]

GOOD_OVERLAP = 0.3
"""Intersection over union from which on a crystal counts as found again."""
SURE_OVERLAP = 0.5
"""At most one outline can overlap another by more than this, so such pairs are the same crystal."""
LEAST_VOTES = 3
"""Fewer crystals than this cannot tell the view's motion from their own."""
BIN_PX = 4.0
ENOUGH_TO_STAY = 0.5
"""Fraction of the crystals that must be found again without motion for the crystals' own vote not to be
asked."""
ENOUGH_TO_BELIEVE = 0.9
"""The same for hints."""


def common_motion(
    trails: Bodies,
    seen: Bodies,
    overlaps_at: Callable[[Shift], Overlaps],
    hints: tuple[Shift, ...],
    settings: TrackingSettings,
) -> tuple[Shift, Overlaps]:
    """Motion since the last frame, px, (x, y), and the overlaps once the remembered outlines are moved by it.

    Stays with no motion where half of the crystals are found again without it; otherwise tries the `hints`
    and the displacement that most pairs of crystals of similar size vote for, and takes what finds most
    crystals again.
    """
    still = (0.0, 0.0)
    overlaps = overlaps_at(still)
    best, best_found = still, _found(overlaps)
    if not len(trails) or not len(seen):
        return best, overlaps
    few = min(len(trails), len(seen))
    candidates = [] if best_found >= ENOUGH_TO_BELIEVE * few else list(hints)
    if best_found < ENOUGH_TO_STAY * few:
        candidates.extend(_voted(trails, seen, settings))
    for shift in candidates:
        if np.hypot(*shift) < 1:
            continue
        tried = overlaps_at(shift)
        found = _found(tried)
        if found > best_found:
            best, best_found, overlaps = shift, found, tried
    refined = _refined(trails, seen, overlaps)
    if refined is None:
        return best, overlaps
    if np.hypot(refined[0] - best[0], refined[1] - best[1]) >= 0.5:
        overlaps = overlaps_at(refined)
    return refined, overlaps


def _found(overlaps: Overlaps) -> int:
    """How many crystals are found again."""
    return int(np.count_nonzero(overlaps.iou > GOOD_OVERLAP))


def _voted(trails: Bodies, seen: Bodies, settings: TrackingSettings) -> tuple[Shift, ...]:
    reach = settings.max_common_shift_px
    if min(len(trails), len(seen)) < LEAST_VOTES or reach == 0:
        return ()
    near = cKDTree(trails.centres_px).query_ball_point(seen.centres_px, reach)
    counts = np.array([len(each) for each in near])
    if not counts.any():
        return ()
    trail = np.concatenate([np.array(each, np.int64) for each in near if each])
    seen_index = np.repeat(np.arange(len(seen)), counts)
    displacement = seen.centres_px[seen_index] - trails.centres_px[trail]
    unlike = np.log(seen.areas_px[seen_index] / trails.areas_px[trail])
    weight = np.exp(-((unlike / 0.15) ** 2))
    bins = int(np.ceil(2 * reach / BIN_PX))
    limits = np.array([[-reach, reach], [-reach, reach]])
    votes, edges, _ = np.histogram2d(
        displacement[:, 0], displacement[:, 1], bins=bins, range=limits, weights=weight
    )
    padded = np.pad(votes, 1)
    smooth = sum(padded[i : i + bins, j : j + bins] for i in range(3) for j in range(3))
    at = np.unravel_index(int(np.argmax(smooth)), votes.shape)
    centre = np.array([(edges[at[0]] + edges[at[0] + 1]) / 2, (edges[at[1]] + edges[at[1] + 1]) / 2])
    close = np.abs(displacement - centre).max(axis=1) <= 1.5 * BIN_PX
    if np.count_nonzero(close) < LEAST_VOTES:
        return ()
    mean = np.average(displacement[close], axis=0, weights=weight[close] + 1e-9)
    return ((float(mean[0]), float(mean[1])),)


def _refined(trails: Bodies, seen: Bodies, overlaps: Overlaps) -> Shift | None:
    sure = overlaps.iou > SURE_OVERLAP
    if np.count_nonzero(sure) < LEAST_VOTES:
        return None
    displacement: Float = seen.centres_px[overlaps.seen[sure]] - trails.centres_px[overlaps.trail[sure]]
    x, y = np.median(displacement, axis=0)
    return float(x), float(y)
