"""`TrackPoint` to a row of `point` and back, losslessly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.records.observation import Observation
from monitor.records.trail import TrackPoint
from monitor.records.vocabulary import Habit
from monitor.store.tables import POINT_GROWTH, POINT_MICROMETRES, POINT_NUMBERS

MEASURED = (*POINT_NUMBERS, *POINT_MICROMETRES)
_BOX = tuple(f"bbox_{name}_px" for name in ("x", "y", "width", "height"))

POINT_NAMES = (
    "frame_id",
    "crystal_id",
    "revision",
    "superseded",
    "field_id",
    "label",
    *MEASURED,
    *_BOX,
    "contacts",
    "touches_border",
    "carried",
    "fit_for_growth",
    "habit",
    *POINT_GROWTH,
)
"""The columns of a point's row, in the table's order, so that no row need be put in another one."""


def point_from_row(row: Mapping[str, Any]) -> TrackPoint:
    """The point that the row was made from; `row` also has the frame's index and elapsed time, and
    `confirmed`."""
    numbers = {name: row[name] for name in MEASURED}
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
