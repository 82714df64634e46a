"""A field's state at a start: fresh, or as the last committed frame left it."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from monitor.alerts import AlertState
from monitor.analysis.pipeline import FieldState
from monitor.completion import CompletionMachineState
from monitor.completion import initial_state as initial_completion
from monitor.errors import StoreError
from monitor.kinetics import StoredFrame, rebuild, rebuild_span_s
from monitor.kinetics import initial_state as initial_kinetics
from monitor.quality import QualityState
from monitor.records import FrameStatus, TrackerStep, unpack_labels
from monitor.settings.station import StationSettings
from monitor.store import HistoryWanted, StoredField
from monitor.tracker import TrackerState

log = logging.getLogger(__name__)


def history_wanted(settings: StationSettings) -> HistoryWanted:
    """The part of the past that kinetics needs to be rebuilt exactly."""
    kinetics = settings.kinetics
    return HistoryWanted(rebuild_span_s(kinetics), kinetics.birth_points, 2 * kinetics.min_points)


def fresh_state(settings: StationSettings, next_crystal_id: int = 1) -> FieldState:
    """A field of which nothing was seen yet; crystals are numbered from `next_crystal_id`."""
    return FieldState(
        quality=QualityState(),
        tracker=TrackerState(next_id=next_crystal_id),
        kinetics=initial_kinetics(settings.kinetics),
        completion=initial_completion(),
        alerts=AlertState(),
    )


def restored_state(settings: StationSettings, stored: StoredField) -> FieldState:
    """The state that the last committed frame left.

    Stored state that another version wrote, or that a disk spoiled, is left behind with a warning: the field starts
    afresh with new crystal numbers, and nothing that was committed is touched.
    """
    fresh = fresh_state(settings, stored.next_crystal_id)
    fresh.last_elapsed_s = stored.last_elapsed_s
    fresh.engine_failed = stored.engine_failed
    if stored.state is None:
        return fresh
    try:
        labels = stored.state.labels
        identities_HW = unpack_labels(labels) if labels else None
        return FieldState(
            # Only the size of the frames outlives a restart: another one would not fit the trails' outlines.
            quality=QualityState(size_hw_px=None if identities_HW is None else _size(identities_HW)),
            tracker=TrackerState.restore(stored.state.tracker_json, identities_HW),
            kinetics=rebuild(_frames(stored), settings.kinetics),
            completion=CompletionMachineState.from_json(stored.state.completion_json),
            alerts=AlertState.from_json(stored.state.alerts_json),
            last_elapsed_s=stored.last_elapsed_s,
            um_per_px=next(
                (frame.um_per_px for frame in reversed(stored.frames) if frame.status is FrameStatus.OK), None
            ),
            engine_failed=stored.engine_failed,
        )
    except (StoreError, ValueError) as error:
        log.warning("field %s starts afresh, its crystals get new numbers: %s", stored.field, error)
        with suppress(ValueError):  # what was told is not told again for that
            fresh.alerts = AlertState.from_json(stored.state.alerts_json)
        return fresh


def _size(labels_HW: NDArray[np.int32]) -> tuple[int, int]:
    return labels_HW.shape[0], labels_HW.shape[1]


def _frames(stored: StoredField) -> Iterator[StoredFrame]:
    """Stored frames as kinetics absorbed them; a birth comes with the first frame that showed the crystal."""
    points = {at_s: tuple(group) for at_s, group in groupby(stored.points, key=lambda point: point.elapsed_s)}
    waiting = sorted(stored.births, key=lambda birth: birth.first_seen_s)
    last_s = -math.inf
    for frame in stored.frames:
        good = frame.status is FrameStatus.OK
        if not good and frame.elapsed_s <= last_s:
            continue  # out of time when it came: no stage was told of it
        last_s = frame.elapsed_s
        due = tuple(birth for birth in waiting if birth.first_seen_s <= frame.elapsed_s)
        waiting = waiting[len(due) :]
        tracker = TrackerStep(updated=points.get(frame.elapsed_s, ()), born=due) if good else None
        yield StoredFrame(frame.elapsed_s, frame.um_per_px, tracker)
