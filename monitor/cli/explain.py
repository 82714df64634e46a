"""`explain`: why a run is in its state, in words, with the values that decided."""

from __future__ import annotations

import json

import click

from monitor.cli.options import database_option, find_run, json_option, station_option
from monitor.cli.output import to_json


@click.command(epilog="Example: crystal-monitor explain last")
@click.argument("run", default="last")
@station_option
@database_option
@json_option
def explain(run: str, station: str | None, database: str, as_json: bool) -> None:
    """Say why RUN is in its state: what is missing for `complete`, and the values and limits that decided.

    `seen` is the part of the hold time that good frames observed.
    """
    from monitor.cli.summary import print_summary
    from monitor.store import TrailReader

    with TrailReader(database) as reader:
        run_id = find_run(reader, run, station)
        fields = [
            {**row, "decided_by": json.loads(str(row["decided_by"] or "{}"))}
            for row in reader.field_explanations(run_id).records()
        ]
        decisions = {
            row["field"]: json.loads(str(row["details"] or "{}"))
            for row in reader.view("event_log", run_id, kind="complete").records()
        }
    if as_json:
        click.echo(to_json(fields))
        return
    print_summary(database, run_id, as_json=False)
    for row in fields:
        click.echo(f"field {row['field']} is {row['state'] or 'not judged yet'}: {row['explanation'] or ''}")
        then = decisions.get(row["field"], {}) if row["state"] == "complete" else {}
        for name, value in dict(row["decided_by"]).items():
            told = f"  {_IN_WORDS.get(name, name):<34} {_number(value)}"
            # What decided is what was then: now less of a hold time that has grown may have been seen.
            if name in then and _number(then[name]) != _number(value):
                told = f"{told:<50} now, {_number(then[name])} when it became complete"
            click.echo(told)


_IN_WORDS = {"coverage": "seen", "coverage_min": "seen_min"}
"""Of the hold time, not of the field, which the summary calls coverage."""


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)
