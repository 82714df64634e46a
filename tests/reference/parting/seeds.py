"""Seeds of crystals and their growth back to the crystal mask: how crystals that touch are parted."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from engine.thresholds import Thresholds
from tests.reference.parting.cut import BACKGROUND, CORE, Cut
from tests.reference.parting.runs import Positions

Labels = npt.NDArray[np.int32]

PIXELS_AT_A_TIME = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class Seeds:
    """Which pixels are seeds and which are left to grow over."""

    is_seed: npt.NDArray[np.bool_]
    """Whether each run of the cut belongs to a seed."""
    bare: Positions
    """Crystal pixels that belong to no seed."""


def find_seeds(labels: Labels, cut: Cut, parts: Labels, limits: Thresholds) -> Seeds:
    """Turn the connected parts of the core (`labels`, flat) into labels of seeds, in place; labels may have gaps.

    A seed is a connected part of the mask without its contacts. A part of the mask (its `parts`, flat) that
    the contacts cover wholly, or leave in crumbs below `seed_area_px` only, is one seed as it stands.
    """
    own = labels[cut.runs.starts]
    areas = np.bincount(own, cut.runs.lengths)
    small = areas < limits.seed_area_px
    small[0] = True  # what is not core
    is_seed = ~small[own]
    part = parts[cut.runs.starts]
    seeded = np.zeros(int(part.max()) + 1, bool)
    seeded[part[is_seed]] = True
    seeded[0] = True
    is_lone = ~seeded[part]
    crumbs = cut.runs[(cut.kinds == CORE) & ~is_seed]
    labels[crumbs.pixels()] = 0
    lone = cut.runs[is_lone]
    labels[lone.pixels()] = np.repeat((len(areas) + part[is_lone]).astype(np.int32), lone.lengths)
    is_seed |= is_lone
    return Seeds(is_seed, cut.runs[(cut.kinds != BACKGROUND) & ~is_seed].pixels())


def grow_seeds(labels: Labels, bare: Positions, width: int, threads: Executor) -> None:
    """Grow the seeds over the `bare` pixels at equal speed, in place; each label stays connected.

    `labels` is flat, of an image `width` px wide with a border of background. Steps along axes and diagonals
    alternate, so that fronts are octagons. Where two fronts meet in one pixel, it goes by turns to the one
    and the other, lest either side gain area from its number.
    """
    axes = np.array((-width, -1, 1, width))
    diagonals = np.array((*axes, -(width + 1), 1 - width, width - 1, width + 1))
    prefers_larger = (bare // width + bare % width) % 2 == 0
    stalled = step = 0
    while len(bare) and stalled < 2:
        offsets = diagonals if step % 2 else axes
        # What belongs to so many pixels stays in the processor's cache from one neighbour to the next.
        some = [slice(start, start + PIXELS_AT_A_TIME) for start in range(0, len(bare), PIXELS_AT_A_TIME)]
        reach = partial(_reach, labels, offsets)
        if len(some) == 1:
            chosen = reach(bare, prefers_larger)
        else:
            each = [bare[part] for part in some], [prefers_larger[part] for part in some]
            chosen = np.concatenate(list(threads.map(reach, *each)))
        labels[bare] = chosen
        waits = chosen == 0
        stalled = stalled + 1 if waits.all() else 0
        bare, prefers_larger = bare[waits], prefers_larger[waits]
        step += 1


def _reach(
    labels: Labels, offsets: Positions, at: Positions, prefers_larger: npt.NDArray[np.bool_]
) -> Labels:
    """The label that each pixel takes from its neighbours, 0 where it has none."""
    largest = np.zeros(len(at), np.int32)
    # One less than a label as an unsigned number: background is then larger than any label.
    smallest = np.full(len(at), np.iinfo(np.uint32).max, np.uint32)
    beside, seen, less = np.empty_like(at), np.empty_like(largest), np.empty_like(smallest)
    for offset in offsets:
        np.add(at, offset, out=beside)
        np.take(labels, beside, out=seen, mode="wrap")  # checked positions would be copied first
        np.maximum(largest, seen, out=largest)
        np.subtract(seen.view(np.uint32), np.uint32(1), out=less)
        np.minimum(smallest, less, out=smallest)
    return np.where(prefers_larger, largest, (smallest + np.uint32(1)).view(np.int32))
