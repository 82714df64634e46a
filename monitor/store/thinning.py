"""Which points of a trail keep its shape: between two that are kept, the straight line misses none by more than stated.

Greedy and in one pass, by the cone of slopes that stay within every point's tolerance (E. Bristol's swinging door, with
measured points as ends: J. Sklansky & V. Gonzalez, "Fast polygonal approximation of digitized curves", 1980).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_NORMAL = 1.4826
_LONGEST_WINDOW = 256
_GAP_STEPS = 3.0


def kept_points(
    times_s: NDArray[np.float64],
    values_DN: NDArray[np.float64],
    tolerances_DN: NDArray[np.float64],
    forced_N: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which of N points to keep, in order of time, (N,) bool.

    The first, the last, the `forced_N` and those with a value that is not finite are kept. Every other point lies
    within its tolerance, in each of D quantities, of the line between the kept points before and after it.

    Args:
        times_s: (N,) seconds, increasing.
        values_DN: (D, N) what must keep its shape.
        tolerances_DN: (D, N) in the same units, not negative.
        forced_N: (N,) bool.
    """
    count = times_s.size
    kept = forced_N | ~np.isfinite(values_DN).all(axis=0)
    if not count:
        return kept
    kept[[0, -1]] = True
    stops = np.flatnonzero(kept)
    for first, last in pairwise(stops.tolist()):
        anchor = first
        while anchor < last:
            window = slice(anchor + 1, min(last, anchor + _LONGEST_WINDOW) + 1)
            anchor += 1 + _farthest(
                times_s[window] - times_s[anchor],
                values_DN[:, window] - values_DN[:, anchor : anchor + 1],
                tolerances_DN[:, window],
            )
            kept[anchor] = True
    return kept


def _farthest(
    after_s: NDArray[np.float64], rise_DN: NDArray[np.float64], tolerances_DN: NDArray[np.float64]
) -> int:
    """Which of the following points the line may go to."""
    slope = rise_DN / after_s
    room = tolerances_DN / after_s
    low = np.maximum.accumulate(slope - room, axis=1)
    high = np.minimum.accumulate(slope + room, axis=1)
    fits = np.ones(after_s.size, bool)
    fits[1:] = ((slope[:, 1:] >= low[:, :-1]) & (slope[:, 1:] <= high[:, :-1])).all(axis=0)
    found = np.flatnonzero(fits)
    return int(found[-1]) if found.size else 0


def noise(values_N: NDArray[np.float64]) -> float:
    """Standard deviation of what is not trend, from the median of second differences; 0 of fewer than five values."""
    steady = values_N[np.isfinite(values_N)]
    if steady.size < 5:
        return 0.0
    bends = np.diff(steady, 2)
    return float(_NORMAL * np.median(np.abs(bends)) / np.sqrt(6.0))


def gap_ends(times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The points before and after times in which the crystal was not seen, (N,) bool: nothing is drawn across those."""
    ends = np.zeros(times_s.size, bool)
    if times_s.size > 2:
        steps = np.diff(times_s)
        wide = steps > _GAP_STEPS * np.median(steps)
        ends[:-1] |= wide
        ends[1:] |= wide
    return ends


def changes(kinds_N: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The points before and after every change of kind, (N,) bool."""
    ends = np.zeros(kinds_N.size, bool)
    changed = kinds_N[1:] != kinds_N[:-1]
    ends[:-1] |= changed
    ends[1:] |= changed
    return ends
