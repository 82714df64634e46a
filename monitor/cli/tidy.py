"""`tidy`: what retention says, done now or only told, and the room given back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.options import database_option, json_option

if TYPE_CHECKING:
    from monitor.settings.station import StationSettings
    from monitor.store import Tidied

_DAYS = click.FloatRange(min=0)


@click.command(
    epilog="Example: crystal-monitor tidy --dry-run --full-points-days 30 --database sqlite:///trails.sqlite"
)
@click.option(
    "--config", type=click.Path(path_type=Path), help="The station's settings file, with storage.retention."
)
@click.option("--full-points-days", type=_DAYS, help="Thin trails of runs that ended so many days ago.")
@click.option("--runs-days", type=_DAYS, help="Remove runs that ended so many days ago.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done; the daemon may run.")
@click.option(
    "--compact", is_flag=True, help="Then write an SQLite file anew, so that free room goes to the disk."
)
@database_option
@json_option
def tidy(
    config: Path | None,
    full_points_days: float | None,
    runs_days: float | None,
    dry_run: bool,
    compact: bool,
    database: str,
    as_json: bool,
) -> None:
    """Thin and remove ended runs as storage.retention says; open runs are never touched.

    The daemon does the same by itself between frames; this command needs it stopped, but for --dry-run. What is done
    stands in the views tidying_log and audit_log.
    """
    from monitor.cli.output import to_json
    from monitor.clock import SystemClock
    from monitor.errors import UserError
    from monitor.store import compact as write_anew
    from monitor.store import locate, open_store, preview_tidy

    settings = _settings(config, database, full_points_days, runs_days)
    wanted, url, now = settings.storage.retention, settings.storage.database, SystemClock().now()
    shared = locate(url).path is None
    if not wanted.enabled and not compact:
        raise UserError(
            "nothing says what to tidy: set storage.retention in the settings (--config), or give --full-points-days "
            "or --runs-days"
        )
    done: list[Tidied] = []
    if wanted.enabled and dry_run:
        done = preview_tidy(url, wanted, now, settings.name if shared else None)
    elif wanted.enabled:
        store = open_store(url, settings.storage.synchronous, settings.name)
        try:
            done = [step for step in store.tidy(wanted, now) if step is not None]
        finally:
            store.close()
    sizes = None
    path = locate(url).path
    if compact and not dry_run:
        if path is None:
            raise UserError("a PostgreSQL database is written anew with its own tool: VACUUM FULL, in psql")
        sizes = write_anew(path)
    if as_json:
        rows = [{name: getattr(one, name) for name in one.__slots__} for one in done]
        click.echo(to_json({"dry_run": dry_run, "runs": rows, "bytes_before_and_after": sizes}))
        return
    for one in done:
        if one.action == "waiting":
            click.echo(
                f"run {one.run_id} ({one.name}): due for removal, but {one.alerts_waiting} of its alerts have not "
                "reached their sinks: start the station, which sends them or gives them up, and removes the run then"
            )
            continue
        would = "would be " if dry_run else ""
        share = one.points_removed / one.points if one.points else 0.0
        frames = f" and {one.frames_removed} frames" if one.frames_removed else ""
        click.echo(
            f"run {one.run_id} ({one.name}): {would}{one.action}, {one.points_removed} of {one.points} points "
            f"({share:.0%}){frames} {'would go' if dry_run else 'gone'}"
        )
    if not done:
        click.echo("no run is due")
    if sizes is not None:
        click.echo(f"{path}: {sizes[0] / 1e6:.1f} MB before, {sizes[1] / 1e6:.1f} MB now")


def _settings(
    config: Path | None, database: str, full_points_days: float | None, runs_days: float | None
) -> StationSettings:
    from monitor.settings.loading import load_settings

    given = {"full_points_days": full_points_days, "runs_days": runs_days}
    storage: dict[str, object] = {
        "retention": {name: days for name, days in given.items() if days is not None}
    }
    if config is None:
        storage["database"] = database
    return load_settings(config, {"storage": storage})
