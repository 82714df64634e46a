"""`TrackPoint` to a row of `point` and back, losslessly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from monitor.records.observation import Observation
from monitor.records.trail import TrackPoint
from monitor.records.vocabulary import Habit
from monitor.store.bulk import BulkRow
from monitor.store.finite import Numbers, finite_rows
from monitor.store.tables import POINT_GROWTH, POINT_MICROMETRES, POINT_NUMBERS

_NUMBERS = (*POINT_NUMBERS, *POINT_MICROMETRES)
_BOX = tuple(f"bbox_{name}_px" for name in ("x", "y", "width", "height"))

POINT_NAMES = (
    "frame_id",
    "crystal_id",
    "revision",
    "superseded",
    "field_id",
    "label",
    *_NUMBERS,
    *_BOX,
    "contacts",
    "touches_border",
    "carried",
    "fit_for_growth",
    "habit",
    *POINT_GROWTH,
)
"""The columns that `point_rows` gives, in the table's order, so that no row need be put in another one."""

_numbers_of = attrgetter(*_NUMBERS)
_NO_GROWTH = (None,) * len(POINT_GROWTH)
_HABITS = {habit: habit.value for habit in Habit}


def point_rows(
    points: Sequence[TrackPoint],
    figures: Mapping[int, Numbers],
    frame_id: int,
    field_id: int,
    flag: Callable[[bool], object],
) -> list[BulkRow]:
    """The points' rows, with the growth that was fitted up to them (`fit_figures`); what is not finite becomes NULL.

    `flag` makes of a bool what the driver takes.
    """
    numbers = finite_rows([_numbers_of(point.observation) for point in points])
    of_growth = slice(-len(POINT_GROWTH), None)
    not_superseded = flag(False)  # a value, not a switch
    rows: list[BulkRow] = []
    for point, measured in zip(points, numbers, strict=True):
        seen = point.observation
        contacts = seen.contact_labels
        fitted = figures.get(point.crystal_id)
        rows.append(
            (
                frame_id,
                point.crystal_id,
                0,
                not_superseded,
                field_id,
                seen.label,
                *measured,
                *seen.bbox_xywh_px,
                ",".join(map(str, contacts)) if contacts else None,
                flag(seen.touches_border),
                flag(point.carried),
                flag(point.fit_for_growth),
                _HABITS[seen.habit],
                *(_NO_GROWTH if fitted is None else fitted[of_growth]),
            )
        )
    return rows


def point_from_row(row: Mapping[str, Any]) -> TrackPoint:
    """The point that the row was made from; `row` also has the frame's index and elapsed time, and
    `confirmed`."""
    numbers = {name: row[name] for name in _NUMBERS}
    for name in POINT_NUMBERS:
        if numbers[name] is None:
            numbers[name] = float("nan")
    contacts = row["contacts"]
    observation = Observation(
        label=row["label"],
        bbox_xywh_px=(row["bbox_x_px"], row["bbox_y_px"], row["bbox_width_px"], row["bbox_height_px"]),
        touches_border=bool(row["touches_border"]),
        contact_labels=tuple(int(label) for label in contacts.split(",")) if contacts else (),
        habit=Habit(row["habit"]),
        **numbers,
    )
    return TrackPoint(
        crystal_id=row["crystal_id"],
        frame_index=row["frame_index"],
        elapsed_s=row["elapsed_s"],
        observation=observation,
        confirmed=bool(row["confirmed"]),
        carried=bool(row["carried"]),
        fit_for_growth=bool(row["fit_for_growth"]),
    )
