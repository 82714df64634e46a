"""What an evaluation must show, and whether it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Limit:
    """A figure's limit.

    Attributes:
        name: for people.
        path: keys that lead to the figure.
        at_least, at_most: the limit, on the figure's size where both signs are bad; one of them is given.
    """

    name: str
    path: tuple[str, ...]
    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a value keeps the limit."""
        return value >= self.at_least if self.at_least is not None else abs(value) <= (self.at_most or 0.0)

    def line(self, value: float | None) -> str:
        """A line for people."""
        wanted = f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
        if value is None:
            return f"none {self.name}: nothing to measure (limit {wanted})"
        return f"{'ok  ' if self.holds(value) else 'MISS'} {self.name}: {value:.4f} (limit {wanted})"


LIMITS = (
    Limit("suspension, never learned from: IoU", ("suspension", "scores", "pixels", "iou"), at_least=0.78),
    Limit("suspension: F1", ("suspension", "scores", "pixels", "f1"), at_least=0.87),
    Limit("suspension: spurious share", ("suspension", "scores", "spurious", "area_share"), at_most=0.05),
    Limit("film: worst area error up to 42 s", ("film", "area_error_worst"), at_most=0.10),
    Limit("film: grows at every step", ("film", "monotone"), at_least=1),
    Limit("film: bodies in burned-in text", ("film", "burned_in_bodies"), at_most=0),
    Limit("ice held out (same microscope): IoU", ("ice_held_out", "scores", "pixels", "iou"), at_least=0.92),
    Limit("ice held out: PQ", ("ice_held_out", "scores", "instances", "panoptic_quality"), at_least=0.80),
    Limit("ice held out: count error, median frame", ("ice_held_out", "count_error_median"), at_most=0.05),
    Limit(
        "ice: mean area against the published, median frame", ("ice", "mean_area_error_median"), at_most=0.08
    ),
    Limit(
        "suspension: greatest loss of IoU to a corruption of middle strength",
        ("robustness", "greatest_loss_at_middle", "suspension"),
        at_most=0.05,
    ),
    Limit(
        "ice held out: greatest loss of IoU to a corruption of middle strength",
        ("robustness", "greatest_loss_at_middle", "ice"),
        at_most=0.05,
    ),
    # each by itself: pooled, `dense` with its thousands of rates would speak for all
    *(
        Limit(
            f"simulated {preset}: growth rates, median relative error",
            ("growth", "presets", preset, "rate_error_median"),
            at_most=0.05,
        )
        for preset in ("demo", "needles", "dense")
    ),
)
"""Limits on single figures."""

_SIZES = (("20-30 px", 0.01), ("30-60 px", 0.01), ("from 60 px", 0.01))
_LEAST_RECALL = ("from 10 px", 0.9)


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """A line for each limit whose part was evaluated."""
    for limit in LIMITS:
        if limit.path[0] in figures:
            yield limit.line(_at(figures, limit.path))
    if simulation := figures.get("simulation"):
        rows = {_size_name(row): row for row in simulation["lone_by_size"]}
        for name, most in _SIZES:
            row = rows.get(name)
            limit = Limit(f"simulated area bias, lone crystals {name}", (), at_most=most)
            yield limit.line(row["bias_median"] if row else None)
        row = rows.get(_LEAST_RECALL[0])
        limit = Limit(f"simulated crystals found, lone, {_LEAST_RECALL[0]}", (), at_least=_LEAST_RECALL[1])
        yield limit.line(row["recall"] if row else None)


def _at(figures: Any, path: tuple[str, ...]) -> float | None:
    for key in path:
        figures = figures[key]
    return None if figures is None else float(figures)


def _size_name(row: Mapping[str, Any]) -> str:
    low, high = row["low_px"], row["high_px"]
    return f"from {low:g} px" if high is None else f"{low:g}-{high:g} px"
