"""`deliveries`: what became of a run's alerts on their way to the sinks."""

from __future__ import annotations

import click

from monitor.cli.options import database_option, find_run, json_option, station_option, wide_option
from monitor.cli.output import print_rows

COLUMNS = (
    "event_id", "sink", "state", "attempts", "queued_at", "last_attempt_at", "next_attempt_at", "field", "rule", "kind",
    "message", "last_error",
)  # fmt: skip


@click.command(epilog="Example: crystal-monitor deliveries last --pending")
@click.argument("run", default="last")
@click.option("--pending", is_flag=True, help="Only what no sink has taken yet.")
@station_option
@database_option
@json_option
@wide_option
def deliveries(
    run: str, pending: bool, station: str | None, database: str, as_json: bool, wide: bool
) -> None:
    """List the deliveries of RUN's alerts (its number, its name, or `last`), one for each alert and sink.

    The state is `pending`, `sent` or `given_up`; times are of the real clock, in UTC. An alert is kept until the
    sink has taken it, and tried again after growing waits (`alerts.delivery` in the settings).
    """
    from monitor.store import TrailReader

    with TrailReader(database) as reader:
        run_id = find_run(reader, run, station)
        found = (
            reader.view("delivery_log", run_id, state="pending")
            if pending
            else reader.view("delivery_log", run_id)
        )
        rows = list(found.records())
    print_rows(
        rows,
        as_json=as_json,
        columns=COLUMNS,
        wide=wide,
        dispensable=("kind", "field", "queued_at", "rule", "last_attempt_at", "attempts"),
        empty="every alert of this run has reached its sinks" if pending else "this run has no deliveries",
    )
