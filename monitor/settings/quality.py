"""Which frames must not be measured."""

from __future__ import annotations

from pydantic import Field

from monitor.settings.base import SettingsModel


class QualitySettings(SettingsModel):
    """Limits beyond which a frame is rejected: stored with its reason, never measured."""

    dark_below: float = Field(default=0.02, ge=0, lt=1)
    """Reject as `dark` below this mean brightness, as a fraction of the full scale (0 to 1)."""
    saturated_above: float = Field(default=0.5, gt=0, le=1)
    """Reject as `saturated` when more than this fraction of the pixels (0 to 1) is at the full scale."""
    contrast_below: float = Field(default=0.004, ge=0, lt=1)
    """Reject as `unsharp` below this standard deviation of brightness, as a fraction of the full scale (0 to
    1): an image without structure, such as a closed shutter or a lens far out of focus."""
    focus_below: float = Field(default=0.0, ge=0)
    """Reject as `unsharp` below this sharpness (variance of the Laplacian over the variance of the image,
    dimensionless). It depends on the sample: read usual values from `frame_log.focus`. 0 switches the check
    off."""
    reject_frozen: bool | None = None
    """Reject as `frozen` a camera that repeats itself bit by bit. Unset: live cameras only, since a folder
    of stills or a video may hold the same image twice for good reasons."""
    frozen_after: int = Field(default=3, ge=1)
    """Number of consecutive repetitions of the same image, bit by bit, from which on frames count as
    frozen."""
    full_scale_bits: int | None = Field(default=None, ge=8, le=16)
    """Bits per pixel that the camera fills in 16-bit images (10, 12, 14 or 16). Unset: the least that holds
    the brightest pixel seen in the field so far."""
    drift_side_px: int = Field(default=256, ge=64, le=2048)
    """Longer side, in pixels, to which frames are reduced to estimate the drift of the view. Larger is finer
    and slower."""
    drift_response_above: float = Field(default=0.15, ge=0, le=1)
    """Least peak of the phase correlation (0 to 1) at which a drift is believed; below it the drift is
    unknown."""
