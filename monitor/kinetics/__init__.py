"""Growth rates with intervals, births, and size distributions of one field; pure."""

from monitor.kinetics.distribution import moment_mean, size_distributions, weighted_percentiles
from monitor.kinetics.nucleation import RateInterval, births_per_area, well_nucleation_rate
from monitor.kinetics.state import (
    KineticsState,
    StoredFrame,
    absorb,
    initial_state,
    rebuild,
    rebuild_span_s,
)
from monitor.kinetics.step import KineticsInput, fit, step

__all__ = [
    "KineticsInput",
    "KineticsState",
    "RateInterval",
    "StoredFrame",
    "absorb",
    "births_per_area",
    "fit",
    "initial_state",
    "moment_mean",
    "rebuild",
    "rebuild_span_s",
    "size_distributions",
    "step",
    "weighted_percentiles",
    "well_nucleation_rate",
]
