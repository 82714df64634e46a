"""`Trail`: what the tracker remembers of one crystal that has not ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from monitor.records import BirthKind, Observation
from monitor.settings.tracking import TrackingSettings

AREAS_KEPT = 8
"""Points whose areas are remembered, to tell shrinking from noise."""
VELOCITY_MEMORY = 0.7
"""Weight of the past in the running mean of a crystal's own motion."""


@dataclass(frozen=True, slots=True)
class Trail:
    """One crystal, tentative or confirmed, as of the last good frame. Positions in that frame's pixels."""

    crystal_id: int
    """The crystal's number."""
    kind: BirthKind
    """How it began."""
    first_seen_s: float
    """Elapsed time of its first point, seconds."""
    last_clear_s: float | None
    """Elapsed time of the good frame before that, seconds."""
    split_from: int | None
    """The crystal that it split from."""
    confirmed: bool
    """Whether it is confirmed."""
    last_seen_s: float
    """Elapsed time of its last point, seconds."""
    hits: int
    """Bits: in which of the last frames it was seen; bit 0 is the last."""
    missed: int
    """Consecutive frames in which it was missing."""
    x_px: float
    """Column of its centre, moved on with the view while it is missing."""
    y_px: float
    """Row of its centre, likewise."""
    velocity_x_px: float
    """Its own motion beyond that of the view, px a frame, columns; measured while off the border."""
    velocity_y_px: float
    """The same for rows."""
    bbox_xywh_px: tuple[int, int, int, int]
    """Bounding box of its last point."""
    touches_border: bool
    """Whether its last point touched the border."""
    areas_px: tuple[float, ...]
    """Areas of its last points, oldest first, px²."""
    partners: tuple[int, ...] = ()
    """Crystals with which a contact was reported."""
    last_contact_s: float | None = None
    """Elapsed time of the last contact that is not forgotten yet, seconds."""
    apart_frames: int = 0
    """Frames in which it stood apart since then."""
    spoiled: bool = False
    """Whether growth must never be fitted again: it merged, split or swallowed another."""
    hidden_frames: int = 0
    """Frames in which it was seen only as part of a larger body, without having been resolved since."""
    hidden_since_s: float | None = None
    """Elapsed time of the first of them, seconds."""
    added_up: bool = True
    """Whether its area turned up in that larger body when it was hidden first: else it dissolved under it."""
    split_frames: int = 0
    """Frames in which it was seen in pieces, without having been whole since."""
    split_since_s: float | None = None
    """Elapsed time of the first of them, seconds."""

    @property
    def area_px(self) -> float:
        """Area of its last point, px²."""
        return self.areas_px[-1]

    def seen(
        self,
        observation: Observation,
        elapsed_s: float,
        shift_px: tuple[float, float],
        settings: TrackingSettings,
    ) -> Trail:
        """The trail with one more point; `shift_px` is the motion of the view since the last frame, (x,
        y)."""
        velocity_x, velocity_y = self.velocity_x_px, self.velocity_y_px
        if not (self.touches_border or observation.touches_border or self.missed):
            velocity_x = VELOCITY_MEMORY * velocity_x + (1 - VELOCITY_MEMORY) * (
                observation.centroid_x_px - self.x_px - shift_px[0]
            )
            velocity_y = VELOCITY_MEMORY * velocity_y + (1 - VELOCITY_MEMORY) * (
                observation.centroid_y_px - self.y_px - shift_px[1]
            )
        return replace(
            self,
            last_seen_s=elapsed_s,
            hits=((self.hits << 1) | 1) & ((1 << settings.confirm_window) - 1),
            missed=0,
            x_px=observation.centroid_x_px,
            y_px=observation.centroid_y_px,
            velocity_x_px=velocity_x,
            velocity_y_px=velocity_y,
            bbox_xywh_px=observation.bbox_xywh_px,
            touches_border=observation.touches_border,
            areas_px=(*self.areas_px, observation.area_px)[-AREAS_KEPT:],
            hidden_frames=0,
            hidden_since_s=None,
            split_frames=0,
            split_since_s=None,
        )

    def unseen(self, shift_px: tuple[float, float], settings: TrackingSettings) -> Trail:
        """The trail after a frame in which it was missing."""
        return replace(
            self,
            hits=(self.hits << 1) & ((1 << settings.confirm_window) - 1),
            missed=self.missed + 1,
            x_px=self.x_px + shift_px[0],
            y_px=self.y_px + shift_px[1],
        )

    def hidden(self, elapsed_s: float, shift_px: tuple[float, float], *, added_up: bool) -> Trail:
        """The trail after a frame in which it was part of a larger body; `added_up` counts the first time."""
        return replace(
            self,
            missed=0,
            x_px=self.x_px + shift_px[0],
            y_px=self.y_px + shift_px[1],
            hidden_frames=self.hidden_frames + 1,
            hidden_since_s=elapsed_s if self.hidden_since_s is None else self.hidden_since_s,
            added_up=self.added_up if self.hidden_frames else added_up,
            last_contact_s=elapsed_s,
            apart_frames=0,
        )

    def in_pieces(self, elapsed_s: float, shift_px: tuple[float, float]) -> Trail:
        """The trail after a frame in which it was seen in pieces."""
        return replace(
            self,
            missed=0,
            x_px=self.x_px + shift_px[0],
            y_px=self.y_px + shift_px[1],
            split_frames=self.split_frames + 1,
            split_since_s=elapsed_s if self.split_since_s is None else self.split_since_s,
        )

    def hidden_long_enough(self, elapsed_s: float, settings: TrackingSettings) -> bool:
        """Whether, hidden once more now, it has been hidden for as long as a merge takes to be believed."""
        since = elapsed_s if self.hidden_since_s is None else self.hidden_since_s
        return (
            self.hidden_frames + 1 >= settings.merge_confirm_frames
            and elapsed_s - since >= settings.merge_confirm_s
        )

    def split_long_enough(self, elapsed_s: float, settings: TrackingSettings) -> bool:
        """Whether, in pieces once more now, it has been so for as long as a split takes to be believed."""
        since = elapsed_s if self.split_since_s is None else self.split_since_s
        return (
            self.split_frames + 1 >= settings.split_confirm_frames
            and elapsed_s - since >= settings.split_confirm_s
        )

    def was_shrinking(self, settings: TrackingSettings) -> bool:
        """Whether its last points lost area, beyond noise."""
        if len(self.areas_px) < 3:
            return False
        limit = (1 - settings.shrinking_by) * max(self.areas_px)
        return self.areas_px[-1] <= limit and self.areas_px[-1] <= self.areas_px[0]

    def near_detection_limit(self, settings: TrackingSettings) -> bool:
        """Whether it was so small that it may have fallen below what can be seen."""
        return 2 * math.sqrt(self.area_px / math.pi) <= settings.detection_limit_px


def new_trail(
    crystal_id: int,
    observation: Observation,
    elapsed_s: float,
    last_clear_s: float | None,
    kind: BirthKind,
    *,
    split_from: int | None = None,
    confirmed: bool = False,
) -> Trail:
    """A trail that begins with `observation`."""
    return Trail(
        crystal_id=crystal_id,
        kind=kind,
        first_seen_s=elapsed_s,
        last_clear_s=last_clear_s,
        split_from=split_from,
        confirmed=confirmed,
        last_seen_s=elapsed_s,
        hits=1,
        missed=0,
        x_px=observation.centroid_x_px,
        y_px=observation.centroid_y_px,
        velocity_x_px=0.0,
        velocity_y_px=0.0,
        bbox_xywh_px=observation.bbox_xywh_px,
        touches_border=observation.touches_border,
        areas_px=(observation.area_px,),
        spoiled=kind in (BirthKind.MERGED, BirthKind.SPLIT),
    )
