"""Settings of growth rates, births and size distributions."""

from __future__ import annotations

from pydantic import Field

from monitor.settings.base import SettingsModel


class KineticsSettings(SettingsModel):
    """How growth is fitted and sizes are counted."""

    window_s: float = Field(default=600.0, gt=0)
    """Longest stretch of time that one growth rate rests on, seconds; shortened by itself where growth is not
    steady and stretched to the last `min_points` points where frames are sparse."""
    min_points: int = Field(default=8, ge=5, le=16)
    """Points that a window is not shortened below, and is stretched to where there are that many."""
    max_drift: float = Field(default=0.1, gt=0, le=1)
    """Steadiness: the window is halved while the rates of its two halves differ significantly and by more
    than this fraction of their mean; dimensionless."""
    birth_points: int = Field(default=12, ge=5, le=64)
    """A crystal's first points, from which its birth is extrapolated backwards."""
    volume_d90_min_count: int = Field(default=100, ge=2)
    """Fewest crystals for which a volume-weighted d90 (and span) is given."""
    percentile_min_count: int = Field(default=10, ge=2)
    """Fewest crystals for which d10, d90 and span are given; the median is given from 3."""
