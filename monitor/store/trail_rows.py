"""What a frame changes in the table `trail`: points counted and areas followed, births, fits, ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    null,
    select,
    true,
    update,
)

from monitor.records.growth import GrowthFit
from monitor.records.trail import TrailBirth, TrailEnd
from monitor.store.bulk import BulkRow, execute_row, execute_rows
from monitor.store.column_types import Flag
from monitor.store.finite import Numbers, finite_rows
from monitor.store.tables import POINT_GROWTH, trail

_HERE = (trail.c.field_id == bindparam("in_field"), trail.c.crystal_id == bindparam("of_crystal"))
_HERE_NAMES = ("in_field", "of_crystal")

_AREAS = ("area_px", "area_um2")
_BIRTH_TIMES = ("birth_s", "birth_low_s", "birth_high_s")
FIT_FIGURES = (
    "rate_px_per_s",
    "low_px_per_s",
    "high_px_per_s",
    "front_speed_px_per_s",
    "fit_points",
    "fit_coverage",
    *_BIRTH_TIMES,
    *POINT_GROWTH,
)
_figures_of = attrgetter(*FIT_FIGURES)


def _following() -> dict[str, Any]:
    """What a point changes."""
    changed: dict[str, Any] = {
        "confirmed": case((bindparam("confirmed", type_=Flag), true()), else_=trail.c.confirmed),
        "last_seen_s": bindparam("seen_s"),
        **{f"last_{name}": bindparam(f"last_{name}") for name in _AREAS},
        "first_area_um2": func.coalesce(trail.c.first_area_um2, bindparam("first_area_um2")),
    }
    for name in _AREAS:
        largest = trail.c[f"max_{name}"]
        present: ColumnElement[float] = func.coalesce(bindparam(f"present_{name}"), largest)
        changed[f"max_{name}"] = case((largest >= bindparam(f"compared_{name}"), largest), else_=present)
    # A crystal that came back lives on.
    no_end = dict.fromkeys(("ended_s", "end_reason", "merged_into", "points_until_s"), null())
    return {**changed, "points": trail.c.points + literal_column("1"), **no_end}


def _fitting() -> dict[str, Any]:
    """What a fit changes; a birth time that was known stays where the fit has none."""
    figures: dict[str, Any] = {name: bindparam(f"new_{name}") for name in FIT_FIGURES}
    births: dict[str, Any] = {name: func.coalesce(figures[name], trail.c[name]) for name in _BIRTH_TIMES}
    return {**figures, **births, "fit_ended_s": bindparam("fitted_s")}


def _update(changed: dict[str, Any]) -> Update:
    """With the parameters in the order of what is changed, so that no row need be put in another one."""
    return update(trail).where(*_HERE).ordered_values(*changed.items())


_CONFIRMED, _SEEN_S, _PX, _UM2 = range(4)
_FOLLOWED_OF = {
    "confirmed": _CONFIRMED,
    "seen_s": _SEEN_S,
    "last_area_px": _PX,
    "last_area_um2": _UM2,
    "first_area_um2": _UM2,
    "compared_area_px": _PX,
    "present_area_px": _PX,
    "compared_area_um2": _UM2,
    "present_area_um2": _UM2,
}
"""By parameter of `_following`: which of a point's `confirmed`, elapsed seconds, area in px² and in µm² it is."""
_FOLLOW_NAMES = tuple(_FOLLOWED_OF)
followed_of = itemgetter(*_FOLLOWED_OF.values())
"""What a point changes in its trail, of (confirmed, seen_s, area_px, area_um2): the beginning of its `BulkRow` for
`follow_trails`. Then comes its fit, if it has one: its `fit_figures` and where their window ends, elapsed seconds. The
trail's key, field and crystal, is last."""
_FIT_NAMES = (*(f"new_{name}" for name in FIT_FIGURES), "fitted_s")
_FOLLOW = _update(_following())
_FOLLOW_AND_FIT = _update({**_following(), **_fitting()})
_FIT = _update(_fitting())

_BEGUN_NAMES = ("confirmed", "first_seen_s", "first_area_px", "field_id", "crystal_id", "points")
_begun_of = itemgetter(*map(_FOLLOW_NAMES.index, ("confirmed", "seen_s", "last_area_px")), -2, -1)
_BEGUN = insert(trail)
_KNOWN = select(trail.c.crystal_id).where(trail.c.field_id == bindparam("in_field"))
_CONFIRM = (
    update(trail)
    .where(*_HERE)
    .values(
        confirmed=true(),
        birth_kind=bindparam("kind"),
        first_seen_s=bindparam("seen_s"),
        last_clear_s=bindparam("clear_s"),
        split_from=bindparam("parent"),
    )
)
_END = (
    update(trail)
    .where(*_HERE)
    .values(
        ended_s=bindparam("at_s"),
        end_reason=bindparam("why"),
        merged_into=bindparam("into"),
        points_until_s=bindparam("until_s"),
    )
)
_DROP = update(trail).where(*_HERE).values(ended_s=trail.c.last_seen_s, points_until_s=bindparam("until_s"))


def fit_figures(fits: Sequence[GrowthFit]) -> dict[int, Numbers]:
    """By crystal: what `FIT_FIGURES` names, the columns of its points last; what is not finite becomes NULL."""
    return dict(zip([fit.crystal_id for fit in fits], finite_rows(list(map(_figures_of, fits))), strict=True))


def follow_trails(
    connection: Connection,
    field_id: int,
    followed: Sequence[BulkRow],
    fitted: Sequence[BulkRow],
    first_new_id: int,
) -> None:
    """Make or bring forward the trail of every row: see `followed_of`. Crystals from `first_new_id` on are new."""
    rows = (*followed, *fitted)
    _begin(connection, [row for row in rows if row[-1] >= first_new_id])
    if _bring_forward(connection, followed, fitted) < len(rows):
        # A number below the others may come later than they: its trail could not be brought forward.
        known = {crystal_id for (crystal_id,) in execute_row(connection, _KNOWN, ("in_field",), (field_id,))}
        late, late_fitted = ([row for row in some if row[-1] not in known] for some in (followed, fitted))
        _begin(connection, [*late, *late_fitted])
        _bring_forward(connection, late, late_fitted)


def fit_trails(
    connection: Connection, field_id: int, figures: Mapping[int, Numbers], elapsed_s: float
) -> None:
    """Bring forward trails that have a fit, whose window ends at `elapsed_s`, but no point that counts."""
    rows = [(*fit, elapsed_s, field_id, crystal_id) for crystal_id, fit in figures.items()]
    execute_rows(connection, _FIT, (*_FIT_NAMES, *_HERE_NAMES), rows)


def _begin(connection: Connection, rows: Sequence[BulkRow]) -> None:
    """Make the trails that begin with these points, which are not counted yet."""
    execute_rows(connection, _BEGUN, _BEGUN_NAMES, [(*_begun_of(row), 0) for row in rows])


def _bring_forward(connection: Connection, followed: Sequence[BulkRow], fitted: Sequence[BulkRow]) -> int:
    """Count the points in their trails; how many of them have one."""
    return execute_rows(connection, _FOLLOW, (*_FOLLOW_NAMES, *_HERE_NAMES), followed) + execute_rows(
        connection, _FOLLOW_AND_FIT, (*_FOLLOW_NAMES, *_FIT_NAMES, *_HERE_NAMES), fitted
    )


def confirm_births(connection: Connection, field_id: int, born: Sequence[TrailBirth]) -> None:
    """Confirm the trails and say how they began."""
    rows = [
        (
            field_id,
            birth.crystal_id,
            birth.kind.value,
            birth.first_seen_s,
            birth.last_clear_s,
            birth.split_from,
        )
        for birth in born
    ]
    execute_rows(connection, _CONFIRM, (*_HERE_NAMES, "kind", "seen_s", "clear_s", "parent"), rows)


def end_trails(connection: Connection, field_id: int, ended: Sequence[TrailEnd], elapsed_s: float) -> None:
    """Close the trails that ended; no point of theirs is later than `elapsed_s`, the present frame's."""
    rows = [
        (field_id, end.crystal_id, end.ended_s, end.reason.value, end.merged_into, elapsed_s) for end in ended
    ]
    execute_rows(connection, _END, (*_HERE_NAMES, "at_s", "why", "into", "until_s"), rows)


def drop_trails(connection: Connection, field_id: int, dropped: Sequence[int], elapsed_s: float) -> None:
    """Close tentative trails that were never confirmed: no view shows them, no restart loads their points."""
    rows = [(field_id, crystal_id, elapsed_s) for crystal_id in dropped]
    execute_rows(connection, _DROP, (*_HERE_NAMES, "until_s"), rows)
