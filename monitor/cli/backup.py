"""`backup` and `restore`: the database as a checked file, and the way back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.options import database_option, json_option

if TYPE_CHECKING:
    from monitor.store.location import StoreLocation

_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="The station's settings file, which names its database."
)


@click.command(epilog="Example: crystal-monitor backup /var/backups/crystal-monitor --keep 14")
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    help="Keep so many of this database's backups in the folder TARGET; older ones are removed.  [default: all]",
)
@_CONFIG
@database_option
@json_option
def backup(target: Path, keep: int | None, config: Path | None, database: str, as_json: bool) -> None:
    """Copy the database to TARGET: a folder, or a file that does not exist yet. The daemon may write meanwhile.

    The copy is one moment of the database, checked as a whole before it gets its name; in a folder its name says when
    it was made, in UTC. Sizes are in bytes.
    """
    from monitor.cli.output import to_json
    from monitor.clock import SystemClock
    from monitor.errors import UserError
    from monitor.store import back_up, postgresql_backup_command

    location = _located(config, database)
    if location.path is None:
        command = postgresql_backup_command(location, target)
        raise UserError(f"a PostgreSQL database is backed up with PostgreSQL's own tool: {command}")
    made = back_up(location.path, target, SystemClock().now(), keep, _show)
    if as_json:
        shown = {"path": str(made.path), "size_bytes": made.size_bytes, "rows": made.rows}
        click.echo(to_json(shown | {"removed": [str(path) for path in made.removed]}))
        return
    removed = f"; removed {len(made.removed)} older" if made.removed else ""
    click.echo(f"{made.path}: {made.size_bytes / 1e6:.1f} MB, {sum(made.rows.values())} rows, whole{removed}")


@click.command(
    "restore", epilog="Example: crystal-monitor restore station-20260921T020000Z.sqlite --config lab.toml"
)
@click.argument("backup_file", metavar="BACKUP", type=click.Path(path_type=Path))
@_CONFIG
@database_option
@json_option
def restore_command(backup_file: Path, config: Path | None, database: str, as_json: bool) -> None:
    """Put BACKUP in the database's place. The daemon must be stopped; what was there is kept aside, beside it."""
    from monitor.cli.attribution import by_its_own_word
    from monitor.cli.output import to_json
    from monitor.clock import SystemClock
    from monitor.errors import UserError
    from monitor.records.audit import AuditEntry, AuditKind
    from monitor.store import open_store, postgresql_restore_command, restore

    location = _located(config, database)
    if location.path is None:
        command = postgresql_restore_command(location, backup_file)
        raise UserError(f"a PostgreSQL database is restored with PostgreSQL's own tool: {command}")
    restored = restore(backup_file, location.path, SystemClock().now(), _show)
    store = open_store(str(location.path))
    try:
        told = {"backup": str(backup_file), "kept_aside": str(restored.kept_aside), "rows": restored.rows}
        message = f"the database was restored from {backup_file}"
        store.enter(AuditEntry(AuditKind.RESTORED, message, by_its_own_word(), details=told))
    finally:
        store.close()
    aside = None if restored.kept_aside is None else str(restored.kept_aside)
    if as_json:
        click.echo(to_json({"database": str(location.path), "rows": restored.rows, "kept_aside": aside}))
        return
    before = "" if aside is None else f"; what was there before: {aside}"
    click.echo(f"{location.path}: {sum(restored.rows.values())} rows as of the backup{before}")


def _located(config: Path | None, database: str) -> StoreLocation:
    from monitor.settings.loading import load_settings
    from monitor.store.location import locate

    return locate(load_settings(config, {}).storage.database if config is not None else database)


def _show(done_bytes: int, all_bytes: int) -> None:
    if sys.stderr.isatty():
        click.echo(
            f"\r{done_bytes / 1e6:.0f} of {all_bytes / 1e6:.0f} MB", err=True, nl=done_bytes == all_bytes
        )
