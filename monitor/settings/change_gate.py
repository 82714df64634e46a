"""When a part of a frame counts as unchanged, so that the network need not look at it again."""

from __future__ import annotations

from pydantic import Field

from monitor.settings.base import SettingsModel


class ChangeGateSettings(SettingsModel):
    """Inference of changed tiles only. Each tile of a frame is compared with the image at its own last inference."""

    enabled: bool = False
    """Whether tiles that did not change are left out. Off, every frame is inferred whole. On, an unchanged frame costs
    some 2 % of an inferred one; areas then lag by what the thresholds below let pass, and crystals on tiles that
    were left out are stored as `carried`: shown, but in no fit, no birth and no completion."""
    max_age_s: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """A frame is inferred whole as soon as a tile would be older than this, seconds. Also the longest time between two
    frames that completion takes as evidence, and by which a birth's interval widens. At most half of
    `completion.blind_after_s`; choose a twentieth of `completion.hold_s` or less."""
    tile_px: int | None = Field(default=None, ge=256, le=2048)
    """Largest side of a tile, px. Unset: the engine's own, one tile up to 2.7 million pixels (any change infers the
    whole frame) and about 1024 px above; results are then those of the engine without a gate. Smaller tiles leave
    more out, but the network sees less around each crystal: areas differ by 0.2 % (median) and 1.5 % (95th
    percentile)."""
    deviations: float = Field(default=5.0, ge=3, le=20)
    """A spot, a block's unrest or a front counts as change beyond this many standard deviations of the noise, which is
    measured in the image itself. At 5 none of 300 tiles of pure noise is inferred for nothing, and a crystal of the
    detection limit (12 px²) is noticed from a contrast of 5 times the noise of a pixel on (7 in 10 at 4 times); a
    fainter one waits until it has grown, or for `max_age_s`."""
    front_px: float = Field(default=0.02, gt=0, le=1)
    """Common advance or retreat of a tile's outlines, px, that is no change yet; twice this for the outlines within
    32 to 128 px. What is let pass does not add up: the comparison is with the last inference. Where all crystals of a
    tile grow, 0.02 px is 0.2 % of the area of one of 40 px diameter. A single crystal that grows by itself is noticed
    once its front has moved by 0.03 px (80 px diameter), 0.07 px (40 px), 0.15 px (20 px and less), at a contrast of 20
    times the noise: until then it lags by 0.2 to 3 % of its area, for at most `max_age_s`."""
    shift_px: float = Field(default=0.75, gt=0, le=1.5)
    """Largest shift of the view that is vibration, px; it is fitted and taken out, which works up to about 1 px."""
    blur_px: float = Field(default=0.6, gt=0, le=2)
    """Largest change of focus that is no change, as blur added or taken away (standard deviation, px)."""
    contrast: float = Field(default=0.1, gt=0, lt=1)
    """Largest relative change of contrast that is light, dimensionless; fitted and taken out, tile by tile."""
    level: float = Field(default=0.5, gt=0)
    """Largest change of brightness that is light, in standard deviations of the image; fitted and taken out."""
