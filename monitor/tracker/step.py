"""`step`: one good frame of a field."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.records import Observation, TrackerStep, TrackPoint
from monitor.settings.tracking import TrackingSettings
from monitor.tracker import association, bodies, motion
from monitor.tracker.bonds import find_bonds
from monitor.tracker.contact import NeighbourLabels, note_contact
from monitor.tracker.identities import moved, relabel, remember
from monitor.tracker.ledger import Ledger
from monitor.tracker.motion import Shift
from monitor.tracker.overlap import Overlaps, find_overlaps
from monitor.tracker.state import TrackerInput, TrackerState

MOTION_MEMORY = 0.7
"""Weight of the past in the running mean of the view's motion."""


def step(
    state: TrackerState, given: TrackerInput, settings: TrackingSettings
) -> tuple[TrackerState, TrackerStep]:
    """Take one good frame of a field: find each crystal again, begin and end trails.

    Pure: the same state and input give the same answer, whatever the labels' numbers and the observations'
    order. The image's size must not change within a field: quality control rejects such frames.
    """
    observations = sorted(
        given.observations,
        key=lambda each: (each.centroid_y_px, each.centroid_x_px, -each.area_px, each.label),
    )
    before_HW = state.identities_HW
    if before_HW is None or before_HW.shape != given.labels_HW.shape:
        before_HW = np.zeros_like(given.labels_HW)
    shift, overlaps = _find_motion(state, given, before_HW, observations, settings)
    seen = bodies.of_observations(observations)
    match = association.associate(bodies.of_trails(state.trails), seen, overlaps, shift, settings)
    bonds = find_bonds(state.trails, seen, overlaps, match, settings)

    ledger = Ledger(state, given, observations, shift, settings)
    ledger.resolve_swallowed(bonds.swallowed)
    ledger.resolve_pieces(bonds.pieces)
    ledger.continue_trails(match)
    ledger.begin_trails(match, bonds)
    ledger.confirm()
    ledger.end_missing(_mean_motion(state, shift))
    loose = ledger.loose_labels()
    ledger.events.extend(
        note_contact(
            ledger.trails,
            ledger.observation_of,
            NeighbourLabels(loose, ledger.carried),
            given.elapsed_s,
            settings,
            tell=state.steps > 0,
        )
    )

    whole = _whole_shift(state, shift)
    present_HW = relabel(
        given.labels_HW, {each.label: number for number, each in ledger.observation_of.items()}
    )
    kept = [trail for number, trail in ledger.trails.items() if number not in ledger.observation_of]
    after_HW = remember(
        present_HW,
        moved(before_HW, *whole),
        on_top=(trail.crystal_id for trail in kept if trail.hidden_frames or trail.split_frames),
        below=(trail.crystal_id for trail in kept if not (trail.hidden_frames or trail.split_frames)),
    )
    mean_motion = _mean_motion(state, shift)
    next_state = TrackerState(
        trails=tuple(ledger.trails[number] for number in sorted(ledger.trails)),
        next_id=ledger.next_id,
        steps=state.steps + 1,
        last_elapsed_s=given.elapsed_s,
        clear_since_s=given.elapsed_s if given.inferred_since_s is None else given.inferred_since_s,
        motion_x_px=mean_motion[0],
        motion_y_px=mean_motion[1],
        residue_x_px=state.residue_x_px + shift[0] - whole[0],
        residue_y_px=state.residue_y_px + shift[1] - whole[1],
        identities_HW=after_HW,
    )
    return next_state, TrackerStep(
        updated=_points(ledger, given),
        born=tuple(ledger.born),
        ended=tuple(sorted(ledger.ended, key=lambda each: each.crystal_id)),
        events=tuple(ledger.events),
        dropped=tuple(ledger.dropped),
        shift_x_px=shift[0],
        shift_y_px=shift[1],
        unresolved=tuple(each for each in observations if each.label in loose),
    )


def _find_motion(
    state: TrackerState,
    given: TrackerInput,
    before_HW: NDArray[np.int32],
    observations: Sequence[Observation],
    settings: TrackingSettings,
) -> tuple[Shift, Overlaps]:
    numbers = np.array([trail.crystal_id for trail in state.trails], np.int64)
    seen_of = np.full(int(given.labels_HW.max(initial=0)) + 1, -1, np.int64)
    for index, observation in enumerate(observations):
        seen_of[observation.label] = index
    seen_of[0] = -1

    def overlaps_at(shift: Shift) -> Overlaps:
        whole = _whole_shift(state, shift)
        return find_overlaps(moved(before_HW, *whole), given.labels_HW, numbers, seen_of)

    hints: tuple[Shift, ...] = ()
    if given.hint_shift_x_px is not None and given.hint_shift_y_px is not None:
        hints = ((given.hint_shift_x_px, given.hint_shift_y_px),)
    return motion.common_motion(
        bodies.of_trails(state.trails), bodies.of_observations(observations), overlaps_at, hints, settings
    )


def _whole_shift(state: TrackerState, shift: Shift) -> tuple[int, int]:
    """Whole pixels by which to move remembered outlines, so that roundings do not add up."""
    return math.floor(state.residue_x_px + shift[0] + 0.5), math.floor(state.residue_y_px + shift[1] + 0.5)


def _mean_motion(state: TrackerState, shift: Shift) -> Shift:
    keep = MOTION_MEMORY if state.steps > 1 else 0.0
    return (
        keep * state.motion_x_px + (1 - keep) * shift[0],
        keep * state.motion_y_px + (1 - keep) * shift[1],
    )


def _points(ledger: Ledger, given: TrackerInput) -> tuple[TrackPoint, ...]:
    points = []
    for number in sorted(ledger.observation_of):
        trail, observation = ledger.trails[number], ledger.observation_of[number]
        carried = observation.label in ledger.carried
        touching = observation.in_contact or trail.last_contact_s is not None
        clean = not (trail.spoiled or touching or observation.touches_border)
        points.append(
            TrackPoint(
                crystal_id=number,
                frame_index=given.frame_index,
                elapsed_s=given.elapsed_s,
                observation=observation,
                confirmed=trail.confirmed,
                carried=carried,
                fit_for_growth=clean and not carried,
            )
        )
    return tuple(points)
