"""Acceptance: the simulated microscope through the real two processes, judged against its limits."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from monitor.clock import Clock
from monitor.errors import CrystalMonitorError
from monitor.service.simulated_run import Experiment, judge, preset, running
from monitor.simulation.recovery import Recovery
from monitor.store import TrailReader

STATIC_REAL_S = 12.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure against its limit."""

    value: float
    """What was measured; NaN where nothing could be."""
    limit: float
    """What it must keep to."""
    passed: bool
    """Whether it does."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a station must reach on the simulated microscope."""

    median_rate_error: float = 0.05
    """Median relative error of growth rates, at most."""
    area_bias: float = 0.03
    """Mean relative error of area for crystals of at least 20 px, at most, either way."""
    completed_fraction: float = 0.95
    """True area at the announcement of completion over the final, at least, in every growing run."""
    identity_switches: float = 0
    """In a static field, at most."""


@dataclass(frozen=True, slots=True)
class Report:
    """All figures, and whether all pass."""

    figures: dict[str, Figure]
    """By name; units in the names."""

    @property
    def passed(self) -> bool:
        """Whether every figure keeps to its limit."""
        return all(figure.passed for figure in self.figures.values())

    def as_plain(self) -> dict[str, object]:
        """For JSON: {"passed": bool, "figures": {name: {value, limit, passed}}}."""
        figures = {
            name: {"value": figure.value, "limit": figure.limit, "passed": figure.passed}
            for name, figure in self.figures.items()
        }
        return {"passed": self.passed, "figures": figures}


def run_acceptance(
    seeds: Sequence[int],
    real_s: float,
    clock: Clock,
    stop: threading.Event,
    tell: Callable[[str], None],
    limits: Limits | None = None,
) -> Report:
    """Run one growing experiment for each seed and one static field; judge what was recovered.

    Args:
        seeds: of the growing runs.
        real_s: real seconds that each growing run takes.
        clock: where the time comes from.
        stop: set to give up; raises CrystalMonitorError then.
        tell: called with a line for people after every run.
        limits: to keep to; None takes the default ones.
    """
    limits = limits or Limits()
    growing = []
    for seed in seeds:
        recovery = _through_the_daemon(Experiment(preset("demo", seed), real_s), clock, stop)
        growing.append(recovery)
        tell(f"growing, seed {seed}: {_in_words(recovery)}")
    static = _through_the_daemon(Experiment(preset("static", seeds[0]), STATIC_REAL_S), clock, stop)
    tell(f"static field: {static.identity_switches} identity switches in {static.trails} trails")
    return Report(dict(_figures(growing, static, limits)))


def _figures(growing: Sequence[Recovery], static: Recovery, limits: Limits) -> Iterator[tuple[str, Figure]]:
    errors = [abs(error) for recovery in growing for error in recovery.rate_errors]
    yield "growth_rate_median_error", _at_most(_median(errors), limits.median_rate_error)
    biases = [recovery.area_bias for recovery in growing if math.isfinite(recovery.area_bias)]
    bias = float(np.mean(biases)) if biases else math.nan
    yield "area_bias_20_px_and_more", Figure(bias, limits.area_bias, abs(bias) <= limits.area_bias)
    announced = sum(math.isfinite(recovery.completed_s) for recovery in growing)
    yield "completions_announced", Figure(announced, len(growing), announced == len(growing))
    early = min((r.completed_fraction for r in growing if math.isfinite(r.completed_s)), default=math.nan)
    yield (
        "earliest_completion_fraction_of_final_area",
        Figure(early, limits.completed_fraction, early >= limits.completed_fraction),
    )
    yield "static_identity_switches", _at_most(float(static.identity_switches), limits.identity_switches)


def _through_the_daemon(experiment: Experiment, clock: Clock, stop: threading.Event) -> Recovery:
    ended = threading.Event()
    with TemporaryDirectory(prefix="crystal-acceptance-") as folder:
        database = f"sqlite:///{Path(folder) / 'trails.sqlite'}"
        with running(experiment, database, clock, ended, name="acceptance") as daemon:
            while daemon.is_alive() and not stop.is_set():
                daemon.join(0.2)
        if stop.is_set():
            raise CrystalMonitorError("the acceptance test was stopped before its end: there is no result")
        with TrailReader(database) as reader:
            run_id = reader.find_run("last")
        return judge(experiment, database, run_id)


def _in_words(recovery: Recovery) -> str:
    completed = (
        f"{recovery.completed_fraction:.1%} of the final area"
        if math.isfinite(recovery.completed_s)
        else "never"
    )
    return (
        f"{recovery.trails} trails, growth rate error {recovery.median_rate_error:.1%} (median of "
        f"{len(recovery.rate_errors)}), area bias {recovery.area_bias:+.1%}, complete at {completed}, "
        f"intervals hold {recovery.rate_covered:.0%}"
    )


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else math.nan


def _at_most(value: float, limit: float) -> Figure:
    return Figure(value, limit, value <= limit)
