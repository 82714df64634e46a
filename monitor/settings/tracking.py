"""How crystals are followed from frame to frame."""

from __future__ import annotations

from pydantic import Field

from monitor.settings.base import SettingsModel


class TrackingSettings(SettingsModel):
    """Association, confirmation and endings of trails. Frames counted here are good frames (status `ok`)."""

    min_overlap: float = Field(default=0.1, gt=0, lt=1)
    """Least overlap of two outlines (intersection over union, 0 to 1) that makes them candidates for one
    crystal."""
    inside_fraction: float = Field(default=0.5, gt=0.3, lt=1)
    """A crystal counts as swallowed by an outline, or an outline as a fragment of a crystal, when at least
    this fraction of its area (0 to 1) lies inside."""
    max_area_ratio: float = Field(default=4.0, gt=1)
    """Largest ratio of areas between two sightings of one crystal; see also `max_growth_px`."""
    max_growth_px: float = Field(default=8.0, ge=0)
    """Change of the area-equivalent diameter, px, that is always accepted between two sightings, whatever
    the ratio."""
    gate_diameters: float = Field(default=1.0, gt=0)
    """How far a crystal may move on its own between two frames without its outlines overlapping, in
    diameters."""
    gate_min_px: float = Field(default=6.0, ge=0)
    """The same for small crystals: at least this distance, px."""
    max_common_shift_px: float = Field(default=60.0, ge=0)
    """Largest motion of the whole view between two frames, px, that is recognised from the crystals
    themselves."""
    confirm_hits: int = Field(default=3, ge=1)
    """A crystal is confirmed once it was seen in this many of the last `confirm_window` frames. Those of a
    run's first good frame are confirmed at once."""
    confirm_window: int = Field(default=5, ge=1, le=32)
    """See `confirm_hits`, frames."""
    start_frames: int = Field(default=3, ge=1)
    """A crystal above `detection_limit_px` that turns up within this many first frames of a field that had
    crystals from the start was overlooked rather than born: it counts as present at the start, so that a
    detection that flickers makes no births."""
    max_gap_s: float = Field(default=60.0, ge=0)
    """A crystal that is missing for longer than this, seconds, has ended, if `min_gap_frames` have passed as
    well."""
    min_gap_frames: int = Field(default=3, ge=1)
    """A crystal ends only after it was missing in this many consecutive frames, however far apart they
    are."""
    return_event_frames: int = Field(default=2, ge=1)
    """A crystal that was missing for at least this many frames makes a `return` event when it is back."""
    merge_confirm_frames: int = Field(default=4, ge=1)
    """Two crystals have merged once they were seen as one body in this many consecutive frames."""
    merge_confirm_s: float = Field(default=0.0, ge=0)
    """... and for at least this long, seconds."""
    merge_area_tolerance: float = Field(default=0.2, ge=0, lt=1)
    """A merged body has at least the area of its parents together less this fraction (0 to 1); where it has
    less, the largest goes on and the others dissolved under it."""
    split_confirm_frames: int = Field(default=4, ge=1)
    """A crystal has split once it was seen in pieces in this many consecutive frames."""
    split_confirm_s: float = Field(default=0.0, ge=0)
    """... and for at least this long, seconds."""
    dominant_share: float = Field(default=0.75, gt=0.5, lt=1)
    """Of bodies that fuse, or pieces that a crystal falls into, one that holds at least this share of the
    area (0 to 1) goes on under its number; below it, none does until the merge or split is confirmed."""
    spoiling_share: float = Field(default=0.02, ge=0, lt=1)
    """A crystal that swallowed a neighbour of more than this share of its area is left out of growth fits
    for good."""
    contact_memory_s: float = Field(default=30.0, ge=0)
    """After a contact, growth is not fitted until the crystal stood apart for this long, seconds."""
    contact_memory_frames: int = Field(default=3, ge=1)
    """... and in this many consecutive frames."""
    detection_limit_px: float = Field(default=9.0, ge=0)
    """Area-equivalent diameter, px, at or below which a crystal that vanishes counts as dissolved."""
    shrinking_by: float = Field(default=0.15, gt=0, lt=1)
    """A crystal was shrinking when it lost at least this fraction of its area (0 to 1) over its last
    points."""
