"""A frame's points as rows, and what they change in their trails: made in one walk, for each look at a record costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from monitor.records.trail import TrackPoint
from monitor.records.vocabulary import Habit
from monitor.store.bulk import BulkRow
from monitor.store.finite import Numbers, finite_rows
from monitor.store.point_rows import MEASURED
from monitor.store.tables import POINT_GROWTH
from monitor.store.trail_rows import followed_of

_measured_of = attrgetter(*MEASURED)
_AREA_PX, _AREA_UM2 = MEASURED.index("area_px"), MEASURED.index("area_um2")
_GROWTH = slice(-len(POINT_GROWTH), None)
_NO_GROWTH = (None,) * len(POINT_GROWTH)
_HABITS = {habit: habit.value for habit in Habit}


@dataclass(frozen=True, slots=True)
class FramePoints:
    """Rows; a number that is not finite is None."""

    points: list[object] = field(default_factory=list)
    """Of `point`, value by value in the order of `POINT_NAMES`, row after row: a tuple for each would be one more for
    the garbage collector to look at, in every frame."""
    followed: list[BulkRow] = field(default_factory=list)
    """What a point without a fit changes in its trail: see `followed_of`. Carried points change nothing."""
    fitted: list[BulkRow] = field(default_factory=list)
    """The same with a fit."""


def frame_points(
    points: Sequence[TrackPoint],
    figures: Mapping[int, Numbers],
    place: tuple[int, int, float],
    flags: Mapping[bool, object],
) -> FramePoints:
    """The rows of the points, with the growth that was fitted up to them (`fit_figures`).

    Args:
        points: the frame's.
        figures: by crystal, as `fit_figures` gives them.
        place: the frame's and the field's key; elapsed seconds of the frame, where the fits' windows end.
        flags: what the driver takes for a bool.
    """
    frame_id, field_id, elapsed_s = place
    not_superseded = flags[False]
    made = FramePoints()
    measured = finite_rows([_measured_of(point.observation) for point in points])
    for point, numbers in zip(points, measured, strict=True):
        crystal_id, seen = point.crystal_id, point.observation
        fit, contacts = figures.get(crystal_id), seen.contact_labels
        made.points.extend(
            (
                frame_id,
                crystal_id,
                0,
                not_superseded,
                field_id,
                seen.label,
                *numbers,
                *seen.bbox_xywh_px,
                ",".join(map(str, contacts)) if contacts else None,
                flags[seen.touches_border],
                flags[point.carried],
                flags[point.fit_for_growth],
                _HABITS[seen.habit],
                *(_NO_GROWTH if fit is None else fit[_GROWTH]),
            )
        )
        if point.carried:
            continue
        follow = followed_of((flags[point.confirmed], point.elapsed_s, numbers[_AREA_PX], numbers[_AREA_UM2]))
        if fit is None:
            made.followed.append((*follow, field_id, crystal_id))
        else:
            made.fitted.append((*follow, *fit, elapsed_s, field_id, crystal_id))
    return made
