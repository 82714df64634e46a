"""How long the database keeps what."""

from __future__ import annotations

from pydantic import Field, model_validator

from monitor.settings.base import SettingsModel


class RetentionSettings(SettingsModel):
    """What is thinned, and when runs are removed; only ended runs are touched, and by default nothing is.

    What was done stands in the view `tidying_log`. Events and the figures of every trail stay as long as their run, and
    so do frames unless `frames_every_s` is set. Room that becomes free is used again, and `crystal-monitor tidy
    --compact` gives it back to the disk.
    """

    full_points_days: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """So many days after a run's end its trails are thinned; none keeps every point. Kept are the first and last
    points, those at events, gaps and changes, and so many more that straight lines between them stay within the
    tolerances."""
    area_tolerance: float = Field(default=0.005, ge=0, le=0.1)
    """A point that is left out has an area within this fraction of the line between its neighbours that are kept."""
    position_tolerance_px: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    """... and its centroid within so many pixels, in columns and in rows."""
    noise_multiple: float = Field(default=3.0, ge=0, le=10)
    """Where a trail's own noise, a standard deviation, times this is more, that counts instead: what it meant stands in
    trail_summary.thinned_within_px. 0 holds the tolerances alone, and keeps most points of small crystals."""
    size_distributions_every_s: float = Field(default=600.0, ge=0, allow_inf_nan=False)
    """Of a run that is thinned, one size distribution is kept for every so many seconds, and the last; 0 keeps all."""
    frames_every_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Of a run that is thinned, one frame is kept for every so many seconds; 0 keeps all. Kept as well are frames with
    anything left of them (points, size distribution, image, event), where status, reason, state, back end, calibration
    or session change, and each field's first and last. Those that go stay counted in run_summary and session_log. A run
    that was thinned before this was set is not thinned again, and keeps its frames."""
    runs_days: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """So many days after its end a run is removed whole, once none of its alerts waits for a sink; none keeps all.
    Archived frames have their own budget."""

    @property
    def enabled(self) -> bool:
        """Whether anything is thinned or removed at all."""
        return self.full_points_days is not None or self.runs_days is not None

    @model_validator(mode="after")
    def _thinned_before_removed(self) -> RetentionSettings:
        if (
            self.full_points_days is not None
            and self.runs_days is not None
            and self.runs_days <= self.full_points_days
        ):
            raise ValueError(
                f"runs_days ({self.runs_days:g}) is not more than full_points_days ({self.full_points_days:g}): the "
                "run would be removed before it is thinned. Raise runs_days, or leave full_points_days out."
            )
        return self
