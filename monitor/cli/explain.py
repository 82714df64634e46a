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
    """Say why RUN is in its state: what is missing for `complete`, and the values and limits that decided."""
    from monitor.cli.summary import print_summary
    from monitor.store import TrailReader

    with TrailReader(database) as reader:
        run_id = find_run(reader, run, station)
        fields = [
            {**row, "decided_by": json.loads(str(row["decided_by"] or "{}"))}
            for row in reader.field_explanations(run_id).records()
        ]
    if as_json:
        click.echo(to_json(fields))
        return
    print_summary(database, run_id, as_json=False)
    for row in fields:
        click.echo(f"field {row['field']} is {row['state'] or 'not judged yet'}: {row['explanation'] or ''}")
        for name, value in dict(row["decided_by"]).items():
            click.echo(
                f"  {name:<34} {value:.6g}" if isinstance(value, int | float) else f"  {name:<34} {value}"
            )
