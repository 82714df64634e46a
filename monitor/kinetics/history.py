"""What is remembered of every living crystal: its first points, and a window of averages in slots of time.

A slot holds sums over the points that fall in it. Times and sizes are rounded to binary fractions fine enough
not to matter (0.12 ms, 1e-6 px) and coarse enough that sums of them are exact in float64: so a sum does not
depend on the order of its terms, and a history rebuilt from stored points is the very same. Slots double in
width as a crystal ages (until `SLOTS` of them span the window), so that a run of a minute and one of a day
are both resolved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SLOTS = 40
"""Slots that span a full window."""
_LEVELS = 12
_TIME_GRAIN = 2.0**13
_LENGTH_GRAIN = 2.0**20
_EMPTY = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Histories of C crystals, ordered by number; K slots and B first points each, unused ones at the end."""

    crystal_id_C: Integers
    """Crystal numbers, rising."""
    level_C: Integers
    """Slot width is window_s / SLOTS / 2^level."""
    used_C: Integers
    """Slots in use."""
    slot_CK: Integers
    """Slot number: floor(elapsed / width), rising along a row."""
    sums_CK4: Floats
    """Sums over the slot's points: count, elapsed seconds, diameter px, perimeter px."""
    first_used_C: Integers
    """First points in use."""
    first_CB2: Floats
    """The first points: elapsed seconds, diameter px."""

    def rows_of(self, crystal_ids_N: Integers) -> Integers:
        """Row of each crystal, -1 where it has no history."""
        if not self.crystal_id_C.size:
            return np.full(crystal_ids_N.shape, -1, np.int64)
        row_N = np.minimum(np.searchsorted(self.crystal_id_C, crystal_ids_N), self.crystal_id_C.size - 1)
        return np.where(self.crystal_id_C[row_N] == crystal_ids_N, row_N, -1)

    def same_as(self, other: History) -> bool:
        """Whether both are identical, bit for bit."""
        return all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__
        )


def empty_history(slots: int, birth_points: int) -> History:
    """No crystals; room for `slots` slots and `birth_points` first points each."""
    zero = np.zeros(0, np.int64)
    return History(
        zero,
        zero,
        zero,
        np.zeros((0, slots), np.int64),
        np.zeros((0, slots, 4)),
        zero,
        np.zeros((0, birth_points, 2)),
    )


def exact(value_N: Floats, grain: float) -> Floats:
    """`value_N` rounded to a binary fraction, so that sums are exact."""
    rounded: Floats = np.asarray(np.round(value_N * grain) / grain, np.float64)
    return rounded


def forget(history: History, crystal_ids: tuple[int, ...]) -> History:
    """Without the crystals that ended."""
    if not crystal_ids:
        return history
    keep_C = ~np.isin(history.crystal_id_C, np.array(crystal_ids, np.int64))
    return _select(history, keep_C)


def without_sizes(history: History) -> History:
    """All that was measured forgotten, as after a change of objective."""
    return _select(history, np.zeros(history.crystal_id_C.size, bool))


def _select(history: History, keep_C: NDArray[np.bool_] | Integers) -> History:
    return History(*(getattr(history, name)[keep_C] for name in history.__dataclass_fields__))


def remember(
    history: History,
    crystal_id_N: Integers,
    elapsed_s: float,
    size_N2: Floats,
    window_s: float,
    min_points: int,
) -> History:
    """One frame's points added: size_N2 holds diameter px and perimeter px of each crystal; ids rising,
    distinct."""
    history = _with_rows(history, crystal_id_N)
    row_N = history.rows_of(crystal_id_N)
    time_s = float(exact(np.array([elapsed_s]), _TIME_GRAIN)[0])
    size_N2 = exact(size_N2, _LENGTH_GRAIN)
    new = replace(
        history,
        level_C=history.level_C.copy(),
        used_C=history.used_C.copy(),
        slot_CK=history.slot_CK.copy(),
        sums_CK4=history.sums_CK4.copy(),
        first_used_C=history.first_used_C.copy(),
        first_CB2=history.first_CB2.copy(),
    )
    _add_first_points(new, row_N, time_s, size_N2[:, 0])
    _coarsen(new, row_N, time_s, window_s)
    _drop_old(new, row_N, time_s, window_s, min_points)
    _add_to_slot(new, row_N, time_s, size_N2, window_s)
    return new


def _with_rows(history: History, crystal_id_N: Integers) -> History:
    fresh_F = crystal_id_N[history.rows_of(crystal_id_N) < 0]
    if not fresh_F.size:
        return history
    count, slots, birth_points = fresh_F.size, history.slot_CK.shape[1], history.first_CB2.shape[1]
    ids = np.concatenate([history.crystal_id_C, fresh_F])
    grown = History(
        ids,
        np.concatenate([history.level_C, np.full(count, _LEVELS, np.int64)]),
        np.concatenate([history.used_C, np.zeros(count, np.int64)]),
        np.concatenate([history.slot_CK, np.zeros((count, slots), np.int64)]),
        np.concatenate([history.sums_CK4, np.zeros((count, slots, 4))]),
        np.concatenate([history.first_used_C, np.zeros(count, np.int64)]),
        np.concatenate([history.first_CB2, np.zeros((count, birth_points, 2))]),
    )
    return _select(grown, np.argsort(ids, kind="stable"))


def _add_first_points(history: History, row_N: Integers, time_s: float, diameter_N: Floats) -> None:
    room_N = history.first_used_C[row_N] < history.first_CB2.shape[1]
    rows = row_N[room_N]
    position = history.first_used_C[rows]
    history.first_CB2[rows, position, 0] = time_s
    history.first_CB2[rows, position, 1] = diameter_N[room_N]
    history.first_used_C[rows] += 1


def _coarsen(history: History, row_N: Integers, time_s: float, window_s: float) -> None:
    """Double the slots of crystals that have outgrown theirs; the width depends on the crystal's age
    alone."""
    age_N = np.minimum(time_s - history.first_CB2[row_N, 0, 0], window_s)
    with np.errstate(divide="ignore"):
        finest_N = np.floor(np.log2(np.where(age_N > 0, window_s / age_N, 2.0**_LEVELS)))
    level_N = np.clip(finest_N, 0, _LEVELS).astype(np.int64)
    for row, level in zip(
        row_N[level_N < history.level_C[row_N]], level_N[level_N < history.level_C[row_N]], strict=True
    ):
        used = int(history.used_C[row])
        slot_U = history.slot_CK[row, :used] >> int(history.level_C[row] - level)
        merged, place_U = np.unique(slot_U, return_inverse=True)
        sums = np.zeros((merged.size, 4))
        np.add.at(sums, place_U, history.sums_CK4[row, :used])
        history.slot_CK[row] = 0
        history.sums_CK4[row] = 0.0
        history.slot_CK[row, : merged.size] = merged
        history.sums_CK4[row, : merged.size] = sums
        history.used_C[row] = merged.size
        history.level_C[row] = level


def slot_width_s(level_C: Integers, window_s: float) -> Floats:
    """Width of the slots of each crystal, seconds."""
    width: Floats = window_s / SLOTS * np.exp2(-level_C.astype(np.float64))
    return width


def _drop_old(history: History, row_N: Integers, time_s: float, window_s: float, min_points: int) -> None:
    """Remove slots that ended before the window, but for the newest `min_points` - 1."""
    width_N = slot_width_s(history.level_C[row_N], window_s)
    position_K = np.arange(history.slot_CK.shape[1])
    used_N1 = history.used_C[row_N][:, None]
    ended_NK = (history.slot_CK[row_N] + 1) * width_N[:, None] <= time_s - window_s
    old_NK = ended_NK & (position_K < used_N1 - (min_points - 1))
    stale_N = old_NK.sum(axis=1)
    for row, stale in zip(row_N[stale_N > 0], stale_N[stale_N > 0], strict=True):
        used = int(history.used_C[row])
        history.slot_CK[row] = np.concatenate([history.slot_CK[row, stale:], np.zeros(stale, np.int64)])
        history.sums_CK4[row] = np.concatenate([history.sums_CK4[row, stale:], np.zeros((stale, 4))])
        history.used_C[row] = used - stale


def _add_to_slot(history: History, row_N: Integers, time_s: float, size_N2: Floats, window_s: float) -> None:
    slot_N = np.floor(time_s / slot_width_s(history.level_C[row_N], window_s)).astype(np.int64)
    used_N = history.used_C[row_N]
    newest_N = np.where(used_N > 0, history.slot_CK[row_N, np.maximum(used_N - 1, 0)], _EMPTY)
    opens_N = slot_N > newest_N
    place_N = np.where(opens_N, used_N, used_N - 1)
    history.slot_CK[row_N, place_N] = np.where(opens_N, slot_N, newest_N)
    history.sums_CK4[row_N, place_N, 0] += 1.0
    history.sums_CK4[row_N, place_N, 1] += time_s
    history.sums_CK4[row_N, place_N, 2:] += size_N2
    history.used_C[row_N] = used_N + opens_N
