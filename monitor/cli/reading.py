"""`runs`, `trails`, `growth`, `events`, `query`: what the database knows."""

from __future__ import annotations

import click

from monitor.cli.options import database_option, json_option
from monitor.cli.output import print_rows

Record = dict[str, str | int | float | bytes | None]

RUN = click.argument("run", default="last")
FIELD = click.option("--field", help="Only this well, drop or stage position.")

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


@click.command(epilog="Example: crystal-monitor runs --database sqlite:///trails.sqlite")
@database_option
@json_option
def runs(database: str, as_json: bool) -> None:
    """List the runs, one a line; times in seconds since each run's time zero."""
    print_rows(
        _rows(database, "run_summary", None),
        as_json=as_json,
        columns=RUN_COLUMNS,
        empty="no run yet: `crystal-monitor replay` or `run` makes one",
    )


@click.command(epilog="Example: crystal-monitor trails last --json")
@RUN
@FIELD
@database_option
@json_option
def trails(run: str, field: str | None, database: str, as_json: bool) -> None:
    """List the crystals of RUN (its number, its name, or `last`).

    Sizes in px² and µm², growth of the area-equivalent diameter in µm/s with its 95 % limits.
    """
    rows = _rows(database, "trail_summary", run, field)
    print_rows(rows, as_json=as_json, columns=TRAIL_COLUMNS, empty="no crystal was confirmed in this run")


@click.command(epilog="Example: crystal-monitor growth last 7")
@RUN
@click.argument("crystal", type=click.IntRange(min=1))
@FIELD
@database_option
@json_option
def growth(run: str, crystal: int, field: str | None, database: str, as_json: bool) -> None:
    """Show the growth of CRYSTAL (its number in `trails`) in RUN over time."""
    rows = _rows(database, "growth_history", run, field, crystal)
    print_rows(
        rows,
        as_json=as_json,
        columns=GROWTH_COLUMNS,
        empty=f"crystal {crystal} is not in this run: `crystal-monitor trails` lists its crystals",
    )


@click.command(epilog="Example: crystal-monitor events last")
@RUN
@FIELD
@database_option
@json_option
def events(run: str, field: str | None, database: str, as_json: bool) -> None:
    """List what happened in RUN: births, contacts, merges, states, alerts, notes."""
    rows = _rows(database, "event_log", run, field)
    print_rows(rows, as_json=as_json, columns=EVENT_COLUMNS, empty="nothing happened yet")


@click.command(epilog='Example: crystal-monitor query "SELECT state, count(*) FROM frame_log GROUP BY state"')
@click.argument("sql")
@click.option(
    "--max-rows",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Refuse answers with more rows.",
)
@click.option(
    "--timeout-s",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    help="Give up after this many seconds.",
)
@database_option
@json_option
def query(sql: str, max_rows: int, timeout_s: float, database: str, as_json: bool) -> None:
    """Ask the database one question in SQL. Nothing can be changed this way; the views are in the README."""
    from monitor.store import run_query

    rows = list(run_query(database, sql, max_rows, timeout_s).records())
    print_rows(rows, as_json=as_json, empty="no rows")


def _rows(
    database: str, view: str, run: str | None, field: str | None = None, crystal: int | None = None
) -> list[Record]:
    from monitor.store import Bound, TrailReader

    narrowing: dict[str, str | int] = {}
    if field is not None:
        narrowing["field"] = field
    if crystal is not None:
        narrowing["crystal_id"] = crystal
    with TrailReader(database) as reader:
        run_id = None if run is None else reader.find_run(run)
        return list(reader.view(view, run_id, Bound(), **narrowing).records())
