"""What kinetics, size distribution and completion say of a field after one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.records.vocabulary import RunState


@dataclass(frozen=True, slots=True)
class GrowthFit:
    """Growth of one crystal: rate of the area-equivalent diameter with its 95 % interval. None where not known."""

    crystal_id: int
    """The crystal's number."""
    rate_px_per_s: float | None
    """dd/dt, px/s."""
    low_px_per_s: float | None
    """Lower 95 % limit, px/s."""
    high_px_per_s: float | None
    """Upper 95 % limit, px/s."""
    rate_um_per_s: float | None
    """dd/dt, µm/s; None without calibration."""
    low_um_per_s: float | None
    """Lower 95 % limit, µm/s."""
    high_um_per_s: float | None
    """Upper 95 % limit, µm/s."""
    detection_floor_um_per_s: float | None
    """Smallest rate that this window could tell from none, µm/s."""
    front_speed_px_per_s: float | None
    """Shape-free mean front speed (dA/dt)/P, px/s."""
    fit_points: int
    """Points in the fit."""
    fit_window_s: float
    """Time that the fit's points span, seconds."""
    fit_coverage: float
    """Fraction of the frames in the window that gave a point, 0 to 1."""
    birth_s: float | None = None
    """Back-extrapolated birth, elapsed seconds; None for crystals that were present at the start or entered."""
    birth_low_s: float | None = None
    """Lower 95 % limit of the birth; never before the last frame that was clear."""
    birth_high_s: float | None = None
    """Upper 95 % limit of the birth; never after it was first seen."""


@dataclass(frozen=True, slots=True)
class SizeDistribution:
    """Crystal size distribution of one frame, one row of the view `csd`; None where refused or uncalibrated."""

    weighting: str
    """`number` or `volume` (weights d³)."""
    border_rule: str
    """`excluded` (border crystals left out) or `miles_lantuejoul` (each weighted by W·H/((W−Fx)(H−Fy)))."""
    count: int
    """Crystals that it rests on."""
    d10_um: float | None
    """10th percentile of the area-equivalent diameter, µm."""
    d50_um: float | None
    """Median, µm."""
    d90_um: float | None
    """90th percentile, µm."""
    mean_um: float | None
    """Mean: D[1,0] for number, D[4,3] for volume weighting, µm."""
    cv: float | None
    """Standard deviation over mean."""
    span: float | None
    """(d90 − d10)/d50."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """When a fraction p of the plateau will be reached; None while not identifiable."""

    elapsed_s: float | None
    """Expected time, elapsed seconds."""
    low_s: float | None
    """Lower 95 % limit, elapsed seconds."""
    high_s: float | None
    """Upper 95 % limit, elapsed seconds; None when it cannot be bounded."""
    reason: str = ""
    """Why there is none, in the user's terms, e.g. `not identifiable yet: growth is not slowing`."""


@dataclass(frozen=True, slots=True)
class CompletionState:
    """How far the field has come, with the values that decided."""

    state: RunState
    """The state after this frame."""
    fraction: float | None
    """Crystallised fraction X = A_crystals / A_ref (field area unless configured), 0 to 1."""
    coverage: float
    """Fraction of the hold time observed with good frames, 0 to 1."""
    t90: Forecast
    """Forecast of 90 % of the plateau."""
    t95: Forecast
    """Forecast of 95 % of the plateau."""
    completed_elapsed_s: float | None = None
    """When it became complete, elapsed seconds; None while it is not."""
    decided_by: Mapping[str, float] = field(default_factory=dict)
    """Names and values that decided, stored with the event (e.g. relative_rate_high_per_s, limit_per_s)."""
    changed: bool = False
    """Whether the state differs from that after the frame before."""
    explanation: str = ""
    """One sentence for people: why it is in this state and what is missing for `complete`."""
