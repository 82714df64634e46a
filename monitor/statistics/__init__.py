"""Statistics that kinetics and completion share: robust slopes with honest intervals."""

from monitor.statistics.slope import MIN_POINTS, Slopes, robust_slope, robust_slopes

__all__ = ["MIN_POINTS", "Slopes", "robust_slope", "robust_slopes"]
