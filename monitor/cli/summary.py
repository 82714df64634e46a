"""A run's summary for people: one fact a line, with units."""

from __future__ import annotations

import click

from monitor.cli.output import duration_text, to_json
from monitor.store import TrailReader


def print_summary(database: str, run_id: int, *, as_json: bool) -> None:
    """Print the run's row of `run_summary`. Raises StoreUnusableError."""
    with TrailReader(database) as reader:
        row = next(reader.view("run_summary", run_id).records())
        unknown_induction = "" if row["induction_s"] is not None else _why_no_induction(reader, run_id)
    if as_json:
        click.echo(to_json(row))
        return

    def word(name: str, missing: str = "none") -> str:
        value = row[name]
        return missing if value is None else str(value)

    def number(name: str) -> float | None:
        value = row[name]
        return None if value is None else float(value)

    area_um2, area_px = number("total_area_um2"), number("total_area_px")
    area = f"{area_um2:.5g} µm²" if area_um2 is not None else f"{area_px or 0:.5g} px²"
    lost = f", {word('frames_lost')} lost" if row["frames_lost"] else ""
    click.echo(f"run {run_id} ({word('name')}): {word('state', 'no frame measured')}")
    click.echo(
        f"  frames      {word('frames_ok')} ok, {word('frames_failed')} failed, "
        f"{word('frames_rejected')} rejected{lost}"
    )
    click.echo(
        f"  crystals    {word('crystals')} followed in all, {word('crystals_in_view')} in the last good frame, "
        f"total area {area}, coverage {number('coverage') or 0:.1%}"
    )
    if (induction_s := number("induction_s")) is not None:
        low, high = duration_text(number("induction_low_s")), duration_text(number("induction_high_s"))
        click.echo(f"  induction   {duration_text(induction_s)} (between {low} and {high})")
    else:
        click.echo(f"  induction   {unknown_induction}")
    if row["completed_elapsed_s"] is not None:
        click.echo(f"  complete    at {duration_text(number('completed_elapsed_s'))}")
    elif row["t95_elapsed_s"] is not None:
        low, high = duration_text(number("t95_low_s")), duration_text(number("t95_high_s"))
        click.echo(f"  t95         {duration_text(number('t95_elapsed_s'))} (95 %: {low} to {high})")
    click.echo(f"  engine      {word('backend')}, weights {word('model')}")
    click.echo(f"  look closer: crystal-monitor trails {run_id} --database {database}")


def _why_no_induction(reader: TrailReader, run_id: int) -> str:
    present = reader.count("trail_summary", run_id, birth_kind="present_at_start")
    before_zero = reader.count("trail_summary", run_id) - reader.count("trail_summary", run_id, 0.0)
    return "no induction time: crystals were present at the start" if present or before_zero else "–"
