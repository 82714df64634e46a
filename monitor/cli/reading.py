"""`runs`, `trails`, `growth`, `events`: what the database knows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import click

from monitor.cli.options import database_option, find_run, json_option, station_option, wide_option
from monitor.cli.output import print_json_rows, print_rows

Record = dict[str, str | int | float | bytes | None]
Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])

RUN = click.argument("run", default="last")
FIELD = click.option("--field", help="Only this well, drop or stage position.")
LIMIT = click.option(
    "--limit",
    type=click.IntRange(min=0),
    help="Show at most so many rows; 0 shows all.  [default: 1000 in a table, all in JSON]",
)
TABLE_ROWS = 1000
"""Rows of a table for people, unless they ask for more."""


def _since(help_text: str) -> Callable[[Wrapped], Wrapped]:
    return click.option("--since", "since_s", type=float, metavar="SECONDS", help=help_text)


RUN_COLUMNS = (
    "run_id",
    "name",
    "started_at",
    "state",
    "frames_ok",
    "frames_lost",
    "crystals",
    "induction_s",
    "completed_elapsed_s",
)
TRAIL_COLUMNS = (
    "crystal_id", "birth_kind", "first_seen_s", "ended_s", "end_reason", "points", "last_area_px", "last_area_um2",
    "growth_rate_um_per_s", "growth_rate_low_um_per_s", "growth_rate_high_um_per_s", "growth_rate_px_per_s",
    "fit_ended_s",
)  # fmt: skip
GROWTH_COLUMNS = (
    "elapsed_s", "area_px", "area_um2", "equivalent_diameter_px", "equivalent_diameter_um",
    "growth_rate_um_per_s", "feret_max_um", "aspect_ratio", "habit",
    "touches_border", "in_contact", "carried",
)  # fmt: skip
EVENT_COLUMNS = ("event_id", "elapsed_s", "field", "kind", "crystal_id", "message", "acknowledged_at")

DISPENSABLE = (
    "growth_rate_px_per_s", "fit_ended_s", "equivalent_diameter_px", "last_area_px", "area_px", "points", "field",
    "carried", "touches_border", "aspect_ratio", "ended_s", "end_reason", "frames_lost", "feret_max_um", "area_um2",
    "birth_kind", "last_area_um2", "first_seen_s",
)  # fmt: skip
"""Columns that a narrow terminal does without, the first first: what others say in other units, then detail; a rate
with its limits stays to the last."""
_IN_MICROMETRES = {
    "growth_rate_px_per_s": "growth_rate_um_per_s", "equivalent_diameter_px": "equivalent_diameter_um",
    "last_area_px": "last_area_um2", "area_px": "area_um2",
}  # fmt: skip


@click.command(epilog="Example: crystal-monitor runs --database sqlite:///trails.sqlite")
@station_option
@database_option
@json_option
@wide_option
def runs(station: str | None, database: str, as_json: bool, wide: bool) -> None:
    """List the runs, one a line; moments in UTC, times in seconds since each run's time zero."""
    from monitor.settings.redaction import without_passwords
    from monitor.store import TrailReader

    with TrailReader(database) as reader:
        of_station: dict[str, Any] = {} if station is None else {"station": station}
        rows = list(reader.view("run_summary", **of_station).records())
        several = len(reader.stations()) > 1
    print_rows(
        rows,
        as_json=as_json,
        columns=("station", *RUN_COLUMNS) if several else RUN_COLUMNS,
        empty=f"no run yet in {without_passwords(database)}: `crystal-monitor replay` or `run` makes one, "
        "--database names another database",
        wide=wide,
        dispensable=DISPENSABLE,
    )


@click.command(epilog="Example: crystal-monitor trails last --json")
@RUN
@FIELD
@_since("Only crystals first seen at this time or later, seconds since the run's time zero.")
@LIMIT
@station_option
@database_option
@json_option
@wide_option
def trails(
    run: str,
    field: str | None,
    since_s: float | None,
    limit: int | None,
    station: str | None,
    database: str,
    as_json: bool,
    wide: bool,
) -> None:
    """List the crystals of RUN (its number, its name, or `last`).

    Sizes in px² and µm², growth of the area-equivalent diameter in µm/s with its 95 % limits.
    """
    asked = _Asked("trail_summary", run, station, since_s, {} if field is None else {"field": field})
    _show(
        database,
        asked,
        _shown_rows(limit, as_json),
        as_json=as_json,
        wide=wide,
        how=_Cut.FIRST,
        columns=TRAIL_COLUMNS,
        words=("crystals", "no crystal was confirmed in this run"),
    )


@click.command(epilog="Example: crystal-monitor growth last 7 --since 3600")
@RUN
@click.argument("crystal", type=click.IntRange(min=1))
@FIELD
@_since("Only from this time on, seconds since the run's time zero.")
@LIMIT
@station_option
@database_option
@json_option
@wide_option
def growth(
    run: str,
    crystal: int,
    field: str | None,
    since_s: float | None,
    limit: int | None,
    station: str | None,
    database: str,
    as_json: bool,
    wide: bool,
) -> None:
    """Show the growth of CRYSTAL (its number in `trails`) in RUN over time.

    A long history is thinned out evenly, and the first line says so; nothing is averaged.
    """
    narrowing: dict[str, str | int] = {"crystal_id": crystal}
    if field is not None:
        narrowing["field"] = field
    _show(
        database,
        _Asked("growth_history", run, station, since_s, narrowing),
        _shown_rows(limit, as_json),
        as_json=as_json,
        wide=wide,
        how=_Cut.EVENLY,
        columns=GROWTH_COLUMNS,
        words=(
            "points",
            f"crystal {crystal} is not in this run: `crystal-monitor trails` lists its crystals",
        ),
    )


@click.command(epilog="Example: crystal-monitor events last")
@RUN
@FIELD
@_since("Only from this time on, seconds since the run's time zero.")
@LIMIT
@station_option
@database_option
@json_option
@wide_option
def events(
    run: str,
    field: str | None,
    since_s: float | None,
    limit: int | None,
    station: str | None,
    database: str,
    as_json: bool,
    wide: bool,
) -> None:
    """List what happened in RUN: births, contacts, merges, states, alerts, notes.

    Times in seconds since the run's time zero.
    """
    asked = _Asked("event_log", run, station, since_s, {} if field is None else {"field": field})
    _show(
        database,
        asked,
        _shown_rows(limit, as_json),
        as_json=as_json,
        wide=wide,
        how=_Cut.NEWEST,
        columns=EVENT_COLUMNS,
        words=("events", "nothing happened yet"),
    )


class _Cut(Enum):
    """Which rows are left where there are more than shall be shown."""

    FIRST = "the first {shown} of {count}"
    NEWEST = "the newest {shown} of {count}"
    EVENLY = "one in {step} of {count}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which rows of which view."""

    view: str
    run: str
    station: str | None
    since_s: float | None
    equal: Mapping[str, str | int]


def _shown_rows(limit: int | None, as_json: bool) -> int | None:
    """How many rows are shown at most; None for all."""
    if limit is None:
        return None if as_json else TABLE_ROWS
    return limit or None


def _show(
    database: str,
    asked: _Asked,
    at_most: int | None,
    *,
    as_json: bool,
    wide: bool,
    how: _Cut,
    columns: Sequence[str],
    words: tuple[str, str],
) -> None:
    """Print the rows, and on standard error which were left out; `words`: what they are, and what to say of none.

    A crystal that is not in the run is an UnknownCrystalError.
    """
    from monitor.errors import UnknownCrystalError
    from monitor.store import TrailReader

    what, empty = words
    with TrailReader(database) as reader:
        run_id = find_run(reader, asked.run, asked.station)
        count = reader.count(asked.view, run_id, asked.since_s, **asked.equal)
        if (
            not count
            and "crystal_id" in asked.equal
            and not reader.count(asked.view, run_id, None, **asked.equal)
        ):
            raise UnknownCrystalError(empty)
        newest = at_most if how is _Cut.NEWEST else None
        rows: Iterable[Record] = reader.stream(
            asked.view, run_id, asked.since_s, newest=newest, **asked.equal
        ).records()
        if at_most is not None and count > at_most:
            step = _step(count, at_most)
            if how is _Cut.FIRST:
                rows = itertools.islice(rows, at_most)
            elif how is _Cut.EVENLY:
                rows = _thinned(rows, count, step)
            left = how.value.format(shown=at_most, count=count, step=step)
            click.echo(
                f"{left} {what}; --since SECONDS shows later ones, --limit 0 all, --json without --limit as well",
                err=True,
            )
        if as_json:
            print_json_rows(rows)
        else:
            shown = list(rows)
            print_rows(
                shown, as_json=False, columns=columns, empty=empty, wide=wide, dispensable=_dispensable(shown)
            )


def _dispensable(rows: Sequence[Record]) -> tuple[str, ...]:
    """`DISPENSABLE`, but for pixels where no row has micrometres, for want of a calibration."""
    measured = {name for row in rows for name in _IN_MICROMETRES.values() if row.get(name) is not None}
    return tuple(name for name in DISPENSABLE if _IN_MICROMETRES.get(name, name) in measured | {name})


def _step(count: int, at_most: int) -> int:
    """Rows from one that is shown to the next, the first and the last among them; `count` where one alone may be."""
    return count if at_most == 1 else math.ceil((count - 1) / (at_most - 1))


def _thinned(rows: Iterable[Record], count: int, step: int) -> Iterable[Record]:
    """One row in `step` from the first on, and the last; of a step over all of them the last alone."""
    return (
        row for place, row in enumerate(rows) if place == count - 1 or (place % step == 0 and step < count)
    )
