"""The books of one frame: trails go on, are hidden, begin, are confirmed and end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.records import (
    BirthKind,
    EndReason,
    EventKind,
    Observation,
    TrailBirth,
    TrailEnd,
    TrailEvent,
)
from monitor.settings.tracking import TrackingSettings
from monitor.tracker.bonds import Bonds, Pieces, Swallowed
from monitor.tracker.ending import end_reason, missing_too_long
from monitor.tracker.kept import touching
from monitor.tracker.motion import Shift
from monitor.tracker.state import TrackerInput, TrackerState
from monitor.tracker.trail import Trail, new_trail

ENTRY_MARGIN_PX = 1


class Ledger:
    """Collects what one frame does to the trails of a field; used by `step` and thrown away."""

    def __init__(
        self,
        state: TrackerState,
        given: TrackerInput,
        observations: Sequence[Observation],
        shift_px: Shift,
        settings: TrackingSettings,
    ) -> None:
        """Open the books; `shift_px` is the view's motion since the last frame, (x, y)."""
        self._before: Final = state
        self._given: Final = given
        self._now_s: Final = given.elapsed_s
        self._observations: Final = observations
        self._shift: Final = shift_px
        self._settings: Final = settings
        self._settled: Final[set[int]] = set()
        boxes = [each.bbox_xywh_px for each in observations]
        self.carried: Final = frozenset(
            each.label
            for each, kept in zip(observations, touching(boxes, given.kept_xywh_px), strict=True)
            if kept
        )
        """Labels of the observations whose pixels were not all inferred in this frame."""
        places = touching([trail.bbox_xywh_px for trail in state.trails], given.kept_xywh_px)
        self._not_looked_at: Final = frozenset(
            trail.crystal_id for trail, kept in zip(state.trails, places, strict=True) if kept
        )
        self._standing: Final[set[int]] = set()
        self.trails: Final[dict[int, Trail]] = {trail.crystal_id: trail for trail in state.trails}
        """Trails that have not ended, by number."""
        self.observation_of: Final[dict[int, Observation]] = {}
        """Observations that belong to a trail, by crystal number."""
        self.next_id = state.next_id
        """The next number to give."""
        self.born: Final[list[TrailBirth]] = []
        """Trails confirmed."""
        self.ended: Final[list[TrailEnd]] = []
        """Confirmed trails that ended."""
        self.events: Final[list[TrailEvent]] = []
        """What else happened to confirmed trails."""
        self.dropped: Final[list[int]] = []
        """Tentative trails given up."""
        self._loose: Final[set[int]] = set()

    def loose_labels(self) -> frozenset[int]:
        """Labels of bodies that hold confirmed crystals but belong to no trail in this frame."""
        return frozenset(self._loose)

    def resolve_swallowed(self, swallowed: Sequence[Swallowed]) -> None:
        """Hide the crystals inside larger bodies, or merge them once that has lasted."""
        for each in swallowed:
            inside = [self._before.trails[index] for index in each.trails]
            if self._observations[each.seen].label in self.carried:
                for trail in inside:
                    self._let_stand(trail)
                if each.host is None:
                    self._loose.add(self._observations[each.seen].label)
                continue
            ripe = [trail for trail in inside if trail.hidden_long_enough(self._now_s, self._settings)]
            if each.host is not None:
                host = self._before.trails[each.host]
                for trail in ripe:
                    self._merge_into_host(trail, host)
                inside = [trail for trail in inside if trail not in ripe]
            elif len(ripe) == len(inside):
                self._merge_into_new_body(ripe, self._observations[each.seen])
                continue
            else:
                self._loose.add(self._observations[each.seen].label)
            for trail in inside:
                self._settle(trail.hidden(self._now_s, self._shift, added_up=each.added_up))

    def resolve_pieces(self, pieces: Sequence[Pieces]) -> None:
        """Leave crystals in pieces without a point, or split them once that has lasted."""
        for each in pieces:
            if each.dominated:
                continue
            trail = self._before.trails[each.trail]
            parts = [self._observations[index] for index in each.seen]
            if any(part.label in self.carried for part in parts):
                self._let_stand(trail)
                self._loose.update(part.label for part in parts)
                continue
            if not trail.split_long_enough(self._now_s, self._settings):
                self._settle(trail.in_pieces(self._now_s, self._shift))
                self._loose.update(part.label for part in parts)
                continue
            whole = trail.seen(parts[0], self._now_s, self._shift, self._settings)
            self._settle(replace(whole, spoiled=True), parts[0])
            for part in parts[1:]:
                number = self._begin(part, BirthKind.SPLIT, split_from=trail.crystal_id, confirmed=True)
                self.events.append(
                    TrailEvent(
                        EventKind.SPLIT,
                        trail.crystal_id,
                        f"crystal {number} split from crystal {trail.crystal_id}",
                        float(number),
                    )
                )

    def continue_trails(self, match: NDArray[np.int64]) -> None:
        """Give every other trail its point, or its gap; `match` is as `associate` gives it."""
        for index, trail in enumerate(self._before.trails):
            if trail.crystal_id in self._settled:
                continue
            if match[index] < 0:
                if trail.crystal_id in self._not_looked_at:
                    self._let_stand(trail)
                else:
                    self._settle(trail.unseen(self._shift, self._settings))
                continue
            observation = self._observations[int(match[index])]
            if observation.label in self.carried:
                self._let_stand(trail, observation)
                continue
            spoiled = self.trails[trail.crystal_id].spoiled
            after = trail.seen(observation, self._now_s, self._shift, self._settings)
            self._settle(
                replace(after, spoiled=True) if spoiled and not after.spoiled else after, observation
            )
            if trail.confirmed and trail.missed >= self._settings.return_event_frames:
                gap_s = self._now_s - trail.last_seen_s
                self.events.append(
                    TrailEvent(
                        EventKind.RETURN,
                        trail.crystal_id,
                        f"crystal {trail.crystal_id} is back after {gap_s:g} s",
                        gap_s,
                    )
                )

    def begin_trails(self, match: NDArray[np.int64], bonds: Bonds) -> None:
        """Begin a trail for every observation that belongs to none."""
        split_from = {
            index: self._before.trails[each.trail].crystal_id
            for each in bonds.pieces
            if each.dominated
            for index in each.seen[1:]
        }
        used = {int(index) for index in match if index >= 0} | bonds.taken
        for index, observation in enumerate(self._observations):
            if index in used:
                continue
            first = self._before.steps == 0
            if observation.label in self.carried and not first:
                continue  # what is carried over is never a birth
            kind = BirthKind.BORN
            if first or (index not in split_from and self._overlooked(observation)):
                kind = BirthKind.PRESENT_AT_START
            elif index in split_from:
                kind = BirthKind.SPLIT
            elif self._came_in(observation):
                kind = BirthKind.ENTERED
            self._begin(observation, kind, split_from=split_from.get(index), confirmed=first)

    def confirm(self) -> None:
        """Confirm tentative trails that were seen often enough."""
        for trail in list(self.trails.values()):
            enough = trail.hits.bit_count() >= self._settings.confirm_hits
            if not trail.confirmed and enough and trail.crystal_id in self.observation_of:
                self.trails[trail.crystal_id] = replace(trail, confirmed=True)
                self._announce(trail)

    def end_missing(self, view_motion_px: Shift) -> None:
        """End trails that were missing for too long, and give up tentative ones."""
        size = (self._given.labels_HW.shape[0], self._given.labels_HW.shape[1])
        patience = max(0, self._settings.confirm_window - self._settings.confirm_hits)
        for trail in list(self.trails.values()):
            if trail.missed == 0 or trail.crystal_id in self._standing:
                continue
            if not trail.confirmed:
                if trail.missed > patience:
                    del self.trails[trail.crystal_id]
                    self.dropped.append(trail.crystal_id)
            elif missing_too_long(trail, self._now_s, self._settings):
                self._end(trail, end_reason(trail, view_motion_px, size, self._settings))

    def _settle(self, trail: Trail, observation: Observation | None = None) -> None:
        self._settled.add(trail.crystal_id)
        self.trails[trail.crystal_id] = trail
        if observation is not None:
            self.observation_of[trail.crystal_id] = observation

    def _let_stand(self, trail: Trail, observation: Observation | None = None) -> None:
        """Leave a trail as the last look at its place left it: nothing was learnt of it, for or against."""
        self._standing.add(trail.crystal_id)
        self._settle(trail, observation)

    def _begin(
        self, observation: Observation, kind: BirthKind, *, split_from: int | None, confirmed: bool
    ) -> int:
        number = self.next_id
        self.next_id += 1
        trail = new_trail(
            number,
            observation,
            self._now_s,
            self._last_clear_s(),
            kind,
            split_from=split_from,
            confirmed=confirmed,
        )
        self._settle(trail, observation)
        if confirmed:
            self._announce(trail)
        return number

    def _last_clear_s(self) -> float | None:
        before = self._before
        return before.last_elapsed_s if before.clear_since_s is None else before.clear_since_s

    def _announce(self, trail: Trail) -> None:
        self.born.append(
            TrailBirth(trail.crystal_id, trail.kind, trail.first_seen_s, trail.last_clear_s, trail.split_from)
        )

    def _end(self, trail: Trail, reason: EndReason, merged_into: int | None = None) -> None:
        self._settled.add(trail.crystal_id)
        self.trails.pop(trail.crystal_id, None)
        self.ended.append(TrailEnd(trail.crystal_id, reason, trail.last_seen_s, merged_into))

    def _merge_into_host(self, trail: Trail, host: Trail) -> None:
        # A crystal that shrank until its neighbour closed over the place, or whose area the neighbour did
        # not gain, was not merged: it dissolved.
        if trail.was_shrinking(self._settings) or not trail.added_up:
            self._end(trail, EndReason.DISSOLVED)
            return
        self._end(trail, EndReason.MERGED, host.crystal_id)
        self.events.append(_merge_event(trail, host.crystal_id))
        if trail.area_px > self._settings.spoiling_share * host.area_px:
            self.trails[host.crystal_id] = replace(self.trails[host.crystal_id], spoiled=True)

    def _merge_into_new_body(self, parents: Sequence[Trail], observation: Observation) -> None:
        number = self._begin(observation, BirthKind.MERGED, split_from=None, confirmed=True)
        for trail in parents:
            self._end(trail, EndReason.MERGED, number)
            self.events.append(_merge_event(trail, number))

    def _overlooked(self, observation: Observation) -> bool:
        """Whether it is too large, so soon after a start with crystals, to be born or to have come in."""
        return (
            self._before.steps < self._settings.start_frames
            and observation.equivalent_diameter_px > self._settings.detection_limit_px
            and any(trail.kind is BirthKind.PRESENT_AT_START for trail in self._before.trails)
            and not self._came_in(observation)
        )

    def _came_in(self, observation: Observation) -> bool:
        """Whether it touches the border, or stands where the view has just come to."""
        if observation.touches_border:
            return True
        height, width = self._given.labels_HW.shape
        left, top, columns, rows = observation.bbox_xywh_px
        shift_x, shift_y = self._shift
        return (
            left + columns <= shift_x + ENTRY_MARGIN_PX
            or top + rows <= shift_y + ENTRY_MARGIN_PX
            or left >= width + shift_x - ENTRY_MARGIN_PX
            or top >= height + shift_y - ENTRY_MARGIN_PX
        )


def _merge_event(trail: Trail, into: int) -> TrailEvent:
    return TrailEvent(
        EventKind.MERGE,
        trail.crystal_id,
        f"crystal {trail.crystal_id} ({trail.area_px:.0f} px²) merged into crystal {into}",
        float(into),
    )
