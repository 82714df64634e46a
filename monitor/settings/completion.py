"""Settings of completion: when a crystallization counts as finished, and what is foretold."""

from __future__ import annotations

from pydantic import Field

from monitor.settings.base import SettingsModel


class CompletionSettings(SettingsModel):
    """When a field is complete. All times in seconds of the run; set `hold_s` to suit a run that is much
    faster."""

    hold_s: float = Field(default=600.0, gt=0)
    """How long nothing may have changed before a field is complete, seconds; at least `hold_fraction` of the
    time since the first crystal is held."""
    hold_fraction: float = Field(default=0.2, ge=0, le=0.5)
    """Least hold time as a fraction of the time since the first crystal; dimensionless."""
    max_change_in_hold: float = Field(default=0.03, gt=0, lt=1)
    """Epsilon: the total area may change by less than this fraction of itself over the hold time, by the
    confidence limit; dimensionless."""
    max_remaining: float = Field(default=0.15, gt=0, lt=1)
    """Relative area rate (upper confidence limit) times the time since the first crystal must be below this:
    a slow run is not taken for a finished one. In exponential approach 0.15 is 95.5 % of the plateau;
    dimensionless."""
    min_completeness: float = Field(default=0.97, gt=0, lt=1)
    """Least fraction of the fitted plateau, where a plateau can be fitted; dimensionless."""
    no_birth_s: float | None = Field(default=None, gt=0)
    """Tau: how long no crystal may have been born, seconds; the hold time unless set."""
    front_speed_floor_um_per_s: float | None = Field(default=None, gt=0)
    """The upper limit of the median front speed must be below this, µm/s; unless set,
    `front_speed_floor_fraction` of the run's highest median front speed counts."""
    front_speed_floor_fraction: float = Field(default=0.1, gt=0, lt=1)
    """Front speed floor as a fraction of the run's highest median front speed; dimensionless."""
    min_coverage: float = Field(default=0.9, gt=0, le=1)
    """Least fraction of the hold time observed with good frames."""
    blind_after_s: float = Field(default=120.0, gt=0)
    """Without a good frame for this long the field is `blind`, seconds; never sooner than three usual
    intervals."""
    slowing_fraction: float = Field(default=0.5, gt=0, lt=1)
    """The field is `slowing` when its area rate is below this fraction of its highest, by the confidence
    limit."""
    min_change: float = Field(default=0.02, gt=0, lt=1)
    """Smallest relative change over the trend's window that counts as growth, loss or ripening;
    dimensionless."""
    reference_area_px: float | None = Field(default=None, gt=0)
    """Area that the crystallised fraction refers to (a drop or film), px²; the whole frame unless set."""
