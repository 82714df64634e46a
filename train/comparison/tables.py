"""The tables of a comparison, from its result files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from train.comparison.bootstrap import Interval, difference, iou, same_frames
from train.comparison.plan import OURS, PLANS
from train.comparison.result import JobResult, read_results
from train.errors import TrainingError
from train.networks import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FIGURES = ("IoU", "F1", "sens.", "prec.", "spec.", "acc.", "PQ", "AJI", "AP50", "bound. F", "spurious", "ECE")
"""Columns, by the short names of `Scores.row`."""
GROWTH_FIGURES = ("growth error", "growth bias", "interval holds")
"""Columns of growth rates on simulated runs."""
PAPER = {
    "ours": (0.8521, 0.9185, 0.9012),
    "unet": (0.8123, 0.8989, 0.8683),
    "fcn8s": (0.6879, 0.8137, 0.7043),
    "segnet": (0.8063, 0.8939, 0.8413),
}
"""IoU, F1 and sensitivity in the seed paper's Table 1, on data that are not public."""


@dataclass(frozen=True)
class Row:
    """One row over its folds and seeds."""

    name: str
    """Of the row."""
    title: str
    """In the table."""
    results: tuple[JobResult, ...]
    """Its results."""

    def mean(self, figure: str) -> float | None:
        """Mean of a figure over folds and seeds; None where it is never defined."""
        values = self.values(figure)
        return float(np.mean(values)) if values else None

    def spread(self, figure: str) -> float | None:
        """Standard deviation over folds and seeds; None for fewer than two."""
        values = self.values(figure)
        return float(np.std(values, ddof=1)) if len(values) > 1 else None

    def values(self, figure: str) -> list[float]:
        """The figure of each fold and seed."""
        found = [_figures(result)[figure] for result in self.results]
        return [value for value in found if value is not None]


def rows_of(results: Sequence[JobResult]) -> list[Row]:
    """Rows in the order of their mean IoU, best first."""
    grouped: dict[str, list[JobResult]] = {}
    for result in results:
        grouped.setdefault(result.variant.name, []).append(result)
    rows = []
    for name, mine in grouped.items():
        variant = mine[0].variant
        own = NETWORKS[variant.network].title if variant.network in NETWORKS else variant.network
        rows.append(Row(name, variant.title or own, tuple(mine)))
    return sorted(rows, key=lambda row: -(row.mean("IoU") or 0.0))


def paired(row: Row, reference: Row) -> Interval | None:
    """Difference of a row's IoU to a reference's, over the folds that both have.

    None where they share none, or one of them has not done all of these folds with any seed yet.
    """
    folds = {result.fold for result in row.results} & {result.fold for result in reference.results}
    one, other = ([r for r in each.results if r.fold in folds] for each in (row, reference))
    if not one or not other or not same_frames(one, other):
        return None
    return difference(one, other, iou)


def comparison_table(results: Sequence[JobResult]) -> Iterator[str]:
    """Lines of a set's table in Markdown: mean ± spread over folds and seeds, and the paired difference to ours."""
    rows = rows_of(results)
    ours = next((row for row in rows if row.name == OURS), None)
    shown = [figure for figure in (*FIGURES, *GROWTH_FIGURES) if any(row.values(figure) for row in rows)]
    yield "| network | GFLOP | parameters | runs | " + " | ".join(shown) + " | IoU less ours [95 %] |"
    yield "|" + "---|" * (len(shown) + 5)
    for row in rows:
        first = row.results[0]
        cells = [
            row.title,
            "" if first.gflops is None else f"{first.gflops:.2f}",
            "" if first.parameters is None else f"{first.parameters / 1e6:.2f} M",
            str(len(row.results)),
            *(_cell(row, figure) for figure in shown),
            _difference(row, ours),
        ]
        yield "| " + " | ".join(cells) + " |"


def verdict(results: Sequence[JobResult]) -> Iterator[str]:
    """Whether ours lies within the interval of the best or above it; the paper's figures where they are reached."""
    rows = {row.name: row for row in rows_of(results)}
    ours = rows.pop(OURS, None)
    if ours is None or not rows:
        return
    rivals = [row for row in rows.values() if not row.name.startswith(f"{OURS}-")]
    best = max(rivals or rows.values(), key=lambda row: row.mean("IoU") or 0.0)
    apart = paired(ours, best)
    if apart is not None:
        holds = apart.high >= 0
        yield (
            f"{'ok  ' if holds else 'MISS'} ours less the best other ({best.title}): IoU {apart.value:+.4f} "
            f"[{apart.low:+.4f}, {apart.high:+.4f}], {'within its interval or above' if holds else 'below it'}"
        )
    if ours.results[0].data == "suspension":
        for figure, wanted in zip(("IoU", "F1", "sens."), PAPER[OURS], strict=True):
            value = ours.mean(figure) or 0.0
            sign = "ok  " if value >= wanted else "MISS"
            yield f"{sign} ours on suspension, {figure}: {value:.4f} (limit ≥ {wanted})"


def all_tables(folder: Path) -> Iterator[str]:
    """Every set's table and verdict from the result files in `folder`; raises `TrainingError` if there are none."""
    found = {data: results for data in PLANS if (results := read_results(folder, data))}
    _check_starts([result for results in found.values() for result in results])
    for results in found.values():
        _check_plans(results)
    for data, results in found.items():
        seeds, folds = ({getattr(r, kind) for r in results} for kind in ("seed", "fold"))
        yield f"### {data}: {len(folds)} folds, {len(seeds)} seeds; mean ± standard deviation over both"
        yield ""
        yield from comparison_table(results)
        yield ""
        yield from verdict(results)
        yield ""
    if not found:
        raise TrainingError(f"no result of a comparison in {folder}: run `python -m train compare` first")


def _check_plans(results: Sequence[JobResult]) -> None:
    """Raise `TrainingError` where results of one row were made by different plans."""
    plans: dict[str, str] = {}
    for result in results:
        if plans.setdefault(result.variant.name, result.plan_sha256) != result.plan_sha256:
            raise TrainingError(
                f"results of {result.data} {result.variant.name} were made by different plans: "
                "delete those of one of them, and compare again"
            )


def _check_starts(results: Sequence[JobResult]) -> None:
    """Raise `TrainingError` where a result started from weights that are no longer those of its pre-training."""
    kept: dict[tuple[str, int], set[str]] = {}
    for result in results:
        if result.started_from_sha256 is None and result.weights_sha256 is not None:
            kept.setdefault((result.variant.name, result.seed), set()).add(result.weights_sha256)
    for result in results:
        known, start = kept.get((result.variant.name, result.seed)), result.started_from_sha256
        if start is not None and known is not None and start not in known:
            raise TrainingError(
                f"{result.data} {result.variant.name}, fold {result.fold}, seed {result.seed}, started from other "
                "weights than those of the present result of its pre-training: delete it and compare again"
            )


def _figures(result: JobResult) -> dict[str, float | None]:
    growth = result.growth
    rates = (growth.rate_error_median, growth.rate_bias_median, growth.covered) if growth else (None,) * 3
    return result.scores.row() | dict(zip(GROWTH_FIGURES, rates, strict=True))


def _cell(row: Row, figure: str) -> str:
    mean, spread = row.mean(figure), row.spread(figure)
    if mean is None:
        return ""
    return f"{mean:.4f}" if spread is None else f"{mean:.4f} ± {spread:.4f}"


def _difference(row: Row, ours: Row | None) -> str:
    if ours is None or row.name == OURS:
        return ""
    apart = paired(row, ours)
    return "" if apart is None else f"{apart.value:+.4f} [{apart.low:+.4f}, {apart.high:+.4f}]"
