"""How crystals are measured."""

from __future__ import annotations

from pydantic import Field

from monitor.settings.base import SettingsModel


class MeasuringSettings(SettingsModel):
    """What counts as touching, and the limits between habits. Lengths in pixels: they concern the image."""

    contact_distance_px: float = Field(default=2.0, ge=0, le=8)
    """Two crystals are in contact when the gap between them is at most this wide, px. 0 means that pixels
    adjoin."""
    border_margin_px: int = Field(default=1, ge=1, le=32)
    """A crystal touches the border when it reaches into this many outermost rows or columns of the image,
    px."""
    habit_min_diameter_px: float = Field(default=16.0, ge=4)
    """Below this area-equivalent diameter, px, the habit is `unknown`: a few pixels have no form."""
    needle_aspect_ratio: float = Field(default=0.25, gt=0, lt=1)
    """`needle` below this ratio of the smallest to the largest Feret diameter."""
    plate_aspect_ratio: float = Field(default=0.6, gt=0, lt=1)
    """A faceted crystal is a `plate` from this Feret ratio on, a `prism` below it."""
    aggregate_solidity: float = Field(default=0.87, gt=0, lt=1)
    """`aggregate` below this ratio of the area to that of the convex hull."""
    rounded_ellipticity: float = Field(default=0.975, gt=0, lt=1)
    """`rounded` from this ratio on: circumference of the ellipse of the same area and ratio of rectangle
    sides over the measured perimeter (an ellipse has 1, a regular hexagon 0.95, a square 0.89)."""
