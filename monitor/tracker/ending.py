"""Why a trail that is missing for too long has ended."""

from __future__ import annotations

from monitor.records import EndReason
from monitor.settings.tracking import TrackingSettings
from monitor.tracker.motion import Shift
from monitor.tracker.trail import Trail

OUTWARD_PX = 0.3
"""Motion, px a frame, that counts as moving."""


def missing_too_long(trail: Trail, elapsed_s: float, settings: TrackingSettings) -> bool:
    """Whether it can no longer return."""
    return trail.missed >= settings.min_gap_frames and elapsed_s - trail.last_seen_s > settings.max_gap_s


def end_reason(
    trail: Trail, view_motion_px: Shift, size_hw_px: tuple[int, int], settings: TrackingSettings
) -> EndReason:
    """`left`, `dissolved` or `lost`; `view_motion_px` is the view's mean motion, px a frame."""
    if _was_leaving(trail, view_motion_px, size_hw_px):
        return EndReason.LEFT
    if trail.was_shrinking(settings) or trail.near_detection_limit(settings):
        return EndReason.DISSOLVED
    return EndReason.LOST


def _was_leaving(trail: Trail, view_motion_px: Shift, size_hw_px: tuple[int, int]) -> bool:
    height, width = size_hw_px
    step_x = view_motion_px[0] + trail.velocity_x_px
    step_y = view_motion_px[1] + trail.velocity_y_px
    # The position follows the view up to now: one frame more, and its own motion since it was last seen.
    x = trail.x_px + view_motion_px[0] + trail.velocity_x_px * (trail.missed + 1)
    y = trail.y_px + view_motion_px[1] + trail.velocity_y_px * (trail.missed + 1)
    if not (0 <= x < width and 0 <= y < height):
        return True
    if not trail.touches_border:
        return False
    left, top, columns, rows = trail.bbox_xywh_px
    return (
        (left <= 1 and step_x < -OUTWARD_PX)
        or (top <= 1 and step_y < -OUTWARD_PX)
        or (left + columns >= width - 1 and step_x > OUTWARD_PX)
        or (top + rows >= height - 1 and step_y > OUTWARD_PX)
    )
