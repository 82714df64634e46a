"""Figures of a soak, each with its limit: what grew, what slowed, what was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.soak.accounts import Accounts
from tests.soak.census import Weight
from tests.soak.readers import Told

WARM_SHARE = 0.1
"""Share of a soak after which everything has reached its size: caches, pools, windows, the film's first round."""
_TENTH = 0.1
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a soak must keep to."""

    growth: float
    """Of each process's memory after the warm-up, relative."""
    slowing_cpu: float | None = None
    """Processor time a frame, over that of a known piece of work at the same time, last tenth over first: more is a
    slowdown. None: told, not judged, as is the time from frame to frame, which other work on the machine disturbs."""
    more_descriptors: int = 0
    """Of the fewest that were open at a time, which a thread that comes and goes does not raise in a long soak."""
    more_threads: int = 0
    """The same of threads."""
    wal_bytes: int = 64 * MEGABYTE


FULL = Limits(growth=0.02, slowing_cpu=1.05)
"""Of 200,000 frames."""
SHORT = Limits(growth=0.06, more_descriptors=4, more_threads=1)
"""Of a few thousand frames: the database's page cache (8 MB) is still filling, the log's checkpointer may be
at work in all of a tenth, and no time is judged in a test."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; `limit` None is for information."""

    value: float
    limit: float | None = None

    @property
    def passed(self) -> bool:
        return self.limit is None or self.value <= self.limit


Figures = dict[str, Figure]


def memory(weights: Sequence[Weight], frames: int, limits: Limits) -> Figures:
    """Growth from the tenth after the warm-up to the last tenth, by process; descriptors and threads likewise."""
    figures: Figures = {}
    for role in sorted({weight.role for weight in weights}):
        own = [weight for weight in weights if weight.role == role]
        early = [w for w in own if WARM_SHARE <= w.frames / frames < WARM_SHARE + _TENTH]
        late = [w for w in own if w.frames / frames >= 1 - _TENTH]
        if not early or not late:
            continue
        for kind in ("rss", "pss", "own"):
            before, after = (float(np.median([getattr(w, kind) for w in part])) for part in (early, late))
            figures[f"{role}_{kind}_mb"] = Figure(after / MEGABYTE)
            # What of the shared pages counts as one's own depends on who else runs: told, not judged.
            limit = None if kind == "pss" else limits.growth
            figures[f"{role}_{kind}_growth"] = Figure(after / before - 1, limit)
        for kind, more in (("descriptors", limits.more_descriptors), ("threads", limits.more_threads)):
            # The fewest: one that checkpoints the log comes and goes, a leak stays.
            before, after = (min(getattr(w, kind) for w in part) for part in (early, late))
            figures[f"{role}_{kind}"] = Figure(after, before + more)
            figures[f"{role}_{kind}_most"] = Figure(max(getattr(w, kind) for w in own))
    return figures


def speed(intervals_s: NDArray[np.float64], weights: Sequence[Weight], limits: Limits) -> Figures:
    """Time a frame in the first tenth after the warm-up and in the last: from frame to frame, and on a processor."""
    frames = intervals_s.size + 1
    begin, tenth = int(WARM_SHARE * frames), max(int(_TENTH * frames), 1)
    early, late = intervals_s[begin : begin + tenth], intervals_s[-tenth:]
    figures = {"frames_per_s": Figure(frames / float(intervals_s.sum()))}
    for name, share in (("median", 50), ("p99", 99)):
        before, after = float(np.percentile(early, share)), float(np.percentile(late, share))
        figures[f"frame_{name}_first_ms"] = Figure(1e3 * before)
        figures[f"frame_{name}_last_ms"] = Figure(1e3 * after)
        figures[f"frame_{name}_ratio"] = Figure(after / before)
    analysis = [weight for weight in weights if weight.role == "analyze"]
    early_w, late_w = (
        [w for w in analysis if low <= w.frames / frames < high]
        for low, high in ((WARM_SHARE, WARM_SHARE + _TENTH), (1 - _TENTH, 1.0))
    )
    costs = _cpu_per_frame(early_w), _cpu_per_frame(late_w)
    if costs[0] and costs[1]:
        known = [float(np.median([w.known_s for w in part])) for part in (early_w, late_w)]
        figures["analysis_cpu_first_ms"] = Figure(1e3 * costs[0])
        figures["analysis_cpu_last_ms"] = Figure(1e3 * costs[1])
        figures["known_work_ratio"] = Figure(known[1] / known[0])
        figures["analysis_cpu_ratio"] = Figure(
            costs[1] / costs[0] / (known[1] / known[0]), limits.slowing_cpu
        )
    return figures


def _cpu_per_frame(weights: Sequence[Weight]) -> float | None:
    if len(weights) < 2 or weights[-1].frames == weights[0].frames:
        return None
    return (weights[-1].cpu_s - weights[0].cpu_s) / (weights[-1].frames - weights[0].frames)


def reading(told: Sequence[Told]) -> Figures:
    """What slow readers got."""
    figures: Figures = {}
    for each in told:
        figures[f"reader_{each.name}_questions"] = Figure(each.questions)
        figures[f"reader_{each.name}_megabytes"] = Figure(each.characters / MEGABYTE)
        figures[f"reader_{each.name}_failures"] = Figure(each.failures, 0)
    return figures


def bookkeeping(accounts: Accounts) -> Figures:
    """What the audit found."""
    figures = {
        name: Figure(getattr(accounts, name))
        for name in ("sent", "considered", "sessions", "runs", "crystals", "ended", "resumed", "longest_tail")
    }
    figures |= {f"lost_{reason}": Figure(count) for reason, count in accounts.losses.items()}
    return figures | {"problems": Figure(len(accounts.problems), 0)}
