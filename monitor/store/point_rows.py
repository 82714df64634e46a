"""`TrackPoint` to a row of `point` and back, losslessly."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from operator import attrgetter
from typing import Any

from monitor.records.growth import GrowthFit
from monitor.records.observation import Observation
from monitor.records.trail import TrackPoint
from monitor.records.vocabulary import Habit
from monitor.store.bulk import BulkRow
from monitor.store.tables import POINT_GROWTH, POINT_MICROMETRES, POINT_NUMBERS

_NUMBERS = (*POINT_NUMBERS, *POINT_MICROMETRES)
_numbers_of = attrgetter(*_NUMBERS)


def point_row(point: TrackPoint, fit: GrowthFit | None, frame_id: int, field_id: int) -> BulkRow:
    """The point's row, with the growth that was fitted up to it; a number that is not finite becomes NULL."""
    seen = point.observation
    x, y, width, height = seen.bbox_xywh_px
    row: BulkRow = {
        name: value if value is None or isfinite(value) else None
        for name, value in zip(_NUMBERS, _numbers_of(seen), strict=True)
    }
    row.update(
        frame_id=frame_id,
        crystal_id=point.crystal_id,
        revision=0,
        superseded=False,
        field_id=field_id,
        label=seen.label,
        bbox_x_px=x,
        bbox_y_px=y,
        bbox_width_px=width,
        bbox_height_px=height,
        contacts=",".join(map(str, seen.contact_labels)) if seen.contact_labels else None,
        touches_border=seen.touches_border,
        carried=point.carried,
        fit_for_growth=point.fit_for_growth,
        habit=seen.habit.value,
    )
    for name in POINT_GROWTH:
        value = None if fit is None else getattr(fit, name)
        row[name] = value if value is None or isfinite(value) else None
    return row


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
