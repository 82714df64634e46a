"""`Observation`: one crystal measured in one frame, without identity; and what quality control says of the frame."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.records.vocabulary import FrameStatus, Habit, RejectReason


@dataclass(frozen=True, slots=True)
class FrameQuality:
    """Whether a frame may be measured, and the figures that decided."""

    status: FrameStatus
    """`ok`, `failed` or `rejected`."""
    reason: RejectReason | None = None
    """Why not, where the status is not `ok`."""
    detail: str = ""
    """The reason in the user's terms, with the value and the limit."""
    focus: float | None = None
    """Sharpness: variance of the Laplacian over the variance of the image; dimensionless, larger is sharper."""
    light: float | None = None
    """Mean brightness as a fraction of the full scale, 0 to 1."""
    shift_x_px: float | None = None
    """Drift of the view against the last good frame, along columns, pixels."""
    shift_y_px: float | None = None
    """Drift of the view against the last good frame, along rows, pixels."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One crystal in one frame. Lengths in px always; in µm where the frame is calibrated, else None."""

    label: int
    """The crystal's value in the frame's labels_HW (int32, > 0)."""
    area_px: float
    """Projected area, sub-pixel, px²."""
    equivalent_diameter_px: float
    """Area-equivalent diameter 2·sqrt(A/π), px."""
    feret_max_px: float
    """Largest caliper diameter of the outline, px."""
    feret_min_px: float
    """Smallest caliper diameter of the outline, px."""
    length_px: float
    """Long side of the minimum-area rectangle, px."""
    width_px: float
    """Short side of the minimum-area rectangle, px."""
    orientation_deg: float
    """Angle of the long side against the x axis (columns), degrees in [0, 180), anticlockwise as seen."""
    perimeter_px: float
    """Length of the outline, px."""
    aspect_ratio: float
    """Feret_min / Feret_max, in (0, 1] (ISO 9276-6)."""
    solidity: float
    """Area over the area of the convex hull, in (0, 1]."""
    circularity: float
    """4πA/P², at most 1 for a disc."""
    centroid_x_px: float
    """Column of the centre of mass; pixel centres at integers."""
    centroid_y_px: float
    """Row of the centre of mass; pixel centres at integers."""
    bbox_xywh_px: tuple[int, int, int, int]
    """Bounding box: first column, first row, width, height, px."""
    touches_border: bool
    """Whether the outline reaches the image's border, so that the area is a lower bound."""
    contact_labels: tuple[int, ...]
    """Labels of the crystals that touch this one (gap at most the stated contact distance)."""
    score: float
    """Mean calibrated probability inside the outline, 0 to 1."""
    habit: Habit
    """Outward form."""
    area_um2: float | None = None
    """Projected area, µm²."""
    equivalent_diameter_um: float | None = None
    """Area-equivalent diameter, µm."""
    feret_max_um: float | None = None
    """Largest caliper diameter, µm."""
    feret_min_um: float | None = None
    """Smallest caliper diameter, µm."""
    length_um: float | None = None
    """Long side of the minimum-area rectangle, µm."""
    width_um: float | None = None
    """Short side of the minimum-area rectangle, µm."""
    perimeter_um: float | None = None
    """Length of the outline, µm."""

    @property
    def in_contact(self) -> bool:
        """Whether another crystal touches this one."""
        return bool(self.contact_labels)
