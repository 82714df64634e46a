"""`install`, `upgrade`, `uninstall`: a station as systemd services."""

from __future__ import annotations

from pathlib import Path

import click

DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
ROOT = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/"),
    help="Write into the folder of an image instead of this machine; nothing is started.",
)


@click.command(epilog="Example: crystal-monitor install --station bench --config station.toml")
@click.option(
    "--station", metavar="NAME", help="Name of the station; without one the machine alone is prepared."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Its settings, copied to /etc/crystal-monitor/NAME.toml; without it the file that is there stays.",
)
@click.option(
    "--camera-network",
    "camera_networks",
    metavar="ADDRESS",
    multiple=True,
    help="Subnet of a network camera, or of an analysis on another machine, e.g. 192.168.7.0/24: opened to the "
    "grabber, which has no network otherwise.",
)
@click.option(
    "--network",
    "networks",
    metavar="ADDRESS",
    multiple=True,
    help="Subnet that alerts go to, or where PostgreSQL or a grabber on another machine is: opened to the analysis, "
    "which has this machine alone otherwise; `any` opens all.",
)
@click.option(
    "--part",
    type=click.Choice(["both", "grabber", "analysis"]),
    help="What of the station runs on this machine. Default: as it is; both where the station is new.",
)
@click.option("--no-start", is_flag=True, help="Neither enable nor start the station.")
@ROOT
@DRY_RUN
def install(
    station: str | None,
    config: Path | None,
    camera_networks: tuple[str, ...],
    networks: tuple[str, ...],
    part: str | None,
    no_start: bool,
    root: Path,
    dry_run: bool,
) -> None:
    """Set up users, folders, units and a station, and start it; the units run this environment's version.

    What is there already stays; what fails is backed out. The settings are checked before anything is enabled, as the
    user that the services run as.
    """
    from monitor.clock import SystemClock
    from monitor.errors import UserError
    from monitor.service.installation import InstallWish, Part, Places
    from monitor.service.installation import install as do_install

    if config is not None and station is None:
        raise UserError("--config needs the station's name: add --station NAME")
    here = Part(part) if part is not None else None
    wish = InstallWish(station, config, camera_networks, networks, here, start=not no_start)
    changed = do_install(wish, Places(root), click.echo, SystemClock(), dry_run=dry_run)
    if dry_run:
        return
    if station is None:
        click.echo("The machine is prepared. Next: crystal-monitor install --station NAME --config FILE")
    else:
        click.echo(
            f"Station {station} {'is set up' if changed else 'was set up already'}. "
            f"See it: systemctl status 'crystal-*@{station}.service'; "
            f"stop it: systemctl stop crystal-monitor@{station}.target"
        )


@click.command(epilog="Example: crystal-monitor upgrade")
@ROOT
@DRY_RUN
def upgrade(root: Path, dry_run: bool) -> None:
    """Let the units run this environment's version, and start the stations that run again with it.

    The settings of all stations are checked first. If a station does not come up, the units of before come back and the
    stations run on with those: install the new version into an environment beside the old one.
    """
    from monitor.clock import SystemClock
    from monitor.service.installation import Places
    from monitor.service.installation import upgrade as do_upgrade

    changed = do_upgrade(Places(root), click.echo, SystemClock(), dry_run=dry_run)
    if not dry_run:
        click.echo("The units run this version." if changed else "Nothing was to be done.")


@click.command(epilog="Example: crystal-monitor uninstall --station bench")
@click.option("--station", metavar="NAME", help="Remove this station alone; the machine stays prepared.")
@ROOT
@DRY_RUN
def uninstall(station: str | None, root: Path, dry_run: bool) -> None:
    """Stop the stations and remove their units. Settings, data, backups and users stay."""
    from monitor.service.installation import Places
    from monitor.service.installation import uninstall as do_uninstall

    left = do_uninstall(station, Places(root), click.echo, dry_run=dry_run)
    if left and not dry_run:
        click.echo("These stay, remove them yourself once nobody needs them:\n  " + "\n  ".join(left))
