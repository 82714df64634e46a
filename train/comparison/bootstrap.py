"""Paired bootstrap: how far apart two rows are, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from train.comparison.result import FrameTally, JobResult

    Real = npt.NDArray[np.float64]

REPLICATES = 10_000
SEED = 20_261_123
LEVELS = (2.5, 97.5)
"""Percentiles of the interval (95 %)."""
_COUNTS = ("both", "said_only", "true_only", "neither", "iou_sum", "matched", "said", "true")


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    """Of the data as they are."""
    low: float
    """2.5th percentile over replicates."""
    high: float
    """97.5th percentile."""


def iou(counts: Real) -> Real:
    """Pooled IoU of counts (..., 8)."""
    return np.asarray(counts[..., 0] / (counts[..., 0] + counts[..., 1] + counts[..., 2]))


def f1(counts: Real) -> Real:
    """Pooled F1."""
    return np.asarray(2 * counts[..., 0] / (2 * counts[..., 0] + counts[..., 1] + counts[..., 2]))


def sensitivity(counts: Real) -> Real:
    """Pooled sensitivity."""
    return np.asarray(counts[..., 0] / (counts[..., 0] + counts[..., 2]))


def panoptic_quality(counts: Real) -> Real:
    """Pooled PQ."""
    return np.asarray(counts[..., 4] / ((counts[..., 6] + counts[..., 7]) / 2))


def difference(
    one: Sequence[JobResult],
    other: Sequence[JobResult],
    figure: Callable[[Real], Real] = iou,
    replicates: int = REPLICATES,
) -> Interval:
    """Figure of `one` less that of `other`, pooled over frames and the mean over seeds.

    A replicate draws frames with replacement, the same for both rows (they are hard or easy for both), and of
    each row its seeds. Both must have been tested on the same frames; frames, not pixels, are what is drawn, so
    that an interval says how it would be on other frames of the kind.
    """
    first, second = _table(one), _table(other)
    if first.names != second.names:
        raise ValueError("the rows were tested on different frames: ask `same_frames` first")
    rng = np.random.default_rng(SEED)
    frames = len(first.names)
    weights = rng.multinomial(frames, np.full(frames, 1 / frames), size=replicates)
    drawn = _replicates(first, weights, figure, rng) - _replicates(second, weights, figure, rng)
    low, high = np.percentile(drawn, LEVELS)
    value = float(figure(first.counts.sum(1)).mean() - figure(second.counts.sum(1)).mean())
    return Interval(value, float(low), float(high))


def same_frames(one: Sequence[JobResult], other: Sequence[JobResult]) -> bool:
    """Whether two rows were tested on the same frames, in the seeds that have done most folds."""
    return _table(one).names == _table(other).names


@dataclass(frozen=True)
class _Table:
    names: tuple[str, ...]
    counts: Real
    """(seeds, frames, 8)"""


def _table(results: Sequence[JobResult]) -> _Table:
    by_seed: dict[int, dict[str, FrameTally]] = {}
    for result in results:
        by_seed.setdefault(result.seed, {}).update(
            {f"{result.fold}/{name}": tally for name, tally in result.frames.items()}
        )
    # a seed that has not done all folds yet would weigh frames unevenly
    most = max(len(frames) for frames in by_seed.values())
    complete = {seed: frames for seed, frames in by_seed.items() if len(frames) == most}
    names = tuple(sorted(next(iter(complete.values()))))
    rows = [
        [[getattr(frames[name], count) for count in _COUNTS] for name in names]
        for frames in complete.values()
    ]
    return _Table(names, np.asarray(rows, np.float64))


def _replicates(
    table: _Table, weights: npt.NDArray[np.int64], figure: Callable[[Real], Real], rng: np.random.Generator
) -> Real:
    by_seed = figure(np.einsum("rf,sfc->rsc", weights.astype(np.float64), table.counts))
    seeds = table.counts.shape[0]
    drawn = rng.integers(seeds, size=(len(weights), seeds))
    return np.asarray(np.take_along_axis(by_seed, drawn, axis=1).mean(1))
