"""`install` and `upgrade`: units, users and folders for the machine, settings and a start for a station."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from monitor.clock import Clock, Instant
from monitor.errors import SettingsError
from monitor.service.installation.errors import InstallError
from monitor.service.installation.files import (
    SERVICES,
    Part,
    machine_files,
    part_here,
    says_elsewhere,
    stale_credentials,
    station_files,
)
from monitor.service.installation.host import (
    check_machine,
    has_nvidia,
    is_active,
    is_enabled,
    not_serving,
    station_command,
    systemd_version,
    wrong_with_settings,
)
from monitor.service.installation.places import NAME_PATTERN, Places
from monitor.service.installation.steps import Check, Command, RemoveFile, Say, Step, WriteFile, carry_out
from monitor.settings.loading import load_settings
from monitor.settings.secrets import Secret, secrets_in
from monitor.settings.station import StationSettings

_WORDS_FOR_NETWORKS = ("any", "localhost", "link-local", "multicast")
_RELOAD = ("systemctl", "daemon-reload")
GRABBER_SECRETS = ("stream.keys.grabber_secret",)
"""Secrets that the grabber uses; all others are the analysis'."""


@dataclass(frozen=True, slots=True)
class InstallWish:
    """What the user wants installed."""

    station: str | None = None
    """Name of a station to set up; None prepares the machine alone."""
    config: Path | None = None
    """Its settings; None keeps the file that is there."""
    camera_networks: tuple[str, ...] = ()
    """Addresses that the grabber may talk to, e.g. `192.168.7.0/24`; none: the network is closed to it."""
    networks: tuple[str, ...] = ()
    """Addresses that the analysis may talk to besides this machine's own."""
    part: Part | None = None
    """What of the station runs on this machine; None leaves it as it is, both where it is new."""
    start: bool = True
    """Whether to enable and start the station."""


def install(wish: InstallWish, places: Places, say: Say, clock: Clock, *, dry_run: bool = False) -> int:
    """Set the machine and a station up; how many steps there were to do. What is there already stays as it is.

    Raises InstallError, with everything as it was before.
    """
    if not dry_run:
        check_machine(places)
    command = station_command()
    _check_wish(wish)
    steps = _machine_steps(places, command)
    if wish.station is not None:
        steps += _station_steps(wish, wish.station, places, command, clock.now())
    return carry_out(steps, say, dry_run=dry_run, afterwards=_afterwards(places))


def upgrade(places: Places, say: Say, clock: Clock, *, dry_run: bool = False) -> int:
    """Let the units run this environment's version; every station that runs is started again with it.

    All settings are checked first. A station that does not come up takes everything back to the units of before, and
    starts the stations again with those. Raises InstallError then.
    """
    if not dry_run:
        check_machine(places)
    command = station_command()
    begun = clock.now()
    stations = places.stations()
    if not (places.units / "crystal-monitor@.service").exists():
        raise InstallError(
            "nothing is installed here: begin with `crystal-monitor install --station NAME --config FILE`"
        )
    steps: list[Step] = [_settings_check(places, command, station) for station in stations]
    steps += _machine_steps(places, command)
    active = [station for station in stations if places.is_this_machine and is_active(station)]
    restarts = [Command(("systemctl", "restart", f"crystal-monitor@{station}.target")) for station in active]
    for station, restart in zip(active, restarts, strict=True):
        steps += [restart, _service_check(station, part_here(places, station), begun)]
    return carry_out(steps, say, dry_run=dry_run, afterwards=[*_afterwards(places), *restarts])


def _machine_steps(places: Places, command: Path) -> list[Step]:
    files = machine_files(places, command, systemd_version())
    if not places.is_this_machine:
        root = f"--root={places.root}"
        tools: list[Step] = [
            Command(("systemd-sysusers", root)),
            Command(("systemd-tmpfiles", root, "--create", "crystal-monitor.conf")),
        ]
        return [*files, *tools]
    if not any(file.describe() for file in files):
        return []
    commands: list[Step] = [
        Command(("systemd-sysusers", "crystal-monitor.conf")),
        Command(("systemd-tmpfiles", "--create", "crystal-monitor.conf")),
        Command(_RELOAD),
    ]
    if shutil.which("udevadm") is not None:
        commands.append(Command(("udevadm", "control", "--reload")))
        commands.append(
            Command(("udevadm", "trigger", "--subsystem-match=video4linux", "--subsystem-match=usb"))
        )
    return [*files, *commands]


def _station_steps(
    wish: InstallWish, station: str, places: Places, command: Path, begun: Instant
) -> list[Step]:
    path = places.settings_of(station)
    source = wish.config or path
    if wish.config is None and not path.exists():
        raise InstallError(
            f"station {station!r} has no settings in {path}: give them with --config FILE (deploy/config has samples)"
        )
    settings = load_settings(source)
    steps: list[Step] = []
    if wish.config is not None:
        steps.append(WriteFile(path, wish.config.read_text(encoding="utf-8")))
    part = wish.part or part_here(places, station)
    credentials, camera_credentials = (_credentials(settings, one, part) for one in SERVICES)
    gone = [
        *says_elsewhere(places, station, part),
        *stale_credentials(places, station, credentials, camera_credentials),
    ]
    drop_ins: list[Step] = [RemoveFile(path, places.units) for path in gone]
    drop_ins += station_files(
        places,
        station,
        part=part,
        credentials=credentials,
        camera_credentials=camera_credentials,
        camera_networks=wish.camera_networks,
        networks=wish.networks,
        nvidia=has_nvidia(),
    )
    target = f"crystal-monitor@{station}.target"
    if not places.is_this_machine:
        enable = ("systemctl", f"--root={places.root}", "enable", target)
        return [*steps, *drop_ins, *([Command(enable)] if wish.start else [])]
    changed = any(step.describe() for step in [*steps, *drop_ins])
    steps.append(_settings_check(places, command, station))
    if (credentials or camera_credentials) and wish.start:
        steps.append(_credentials_check(places, settings, part))
    steps += drop_ins
    if drop_ins and changed:
        steps.append(Command(_RELOAD))
    if not wish.start:
        return steps
    serves = _service_check(station, part, begun)
    if not (is_enabled(station) and is_active(station)):
        back = () if is_enabled(station) else ("systemctl", "disable", "--now", target)
        return [*steps, Command(("systemctl", "enable", "--now", target), back), serves]
    return [*steps, *([Command(("systemctl", "restart", target))] if changed else []), serves]


def _settings_check(places: Places, command: Path, station: str) -> Check:
    path = places.settings_of(station)
    return Check(f"{path} as the services' user", lambda: wrong_with_settings(command, path))


def _credentials(settings: StationSettings, service: str, part: Part) -> list[str]:
    """Names of the credentials that a service here must be given: each secret goes to the one that uses it."""
    if service not in part.services:
        return []
    return sorted({secret.credential for _, secret in _secrets_of(settings, service) if secret.credential})


def _secrets_of(settings: StationSettings, service: str) -> list[tuple[str, Secret]]:
    monitor, grabber = SERVICES
    return [
        (setting, secret)
        for setting, secret in secrets_in(settings)
        if service == (grabber if setting in GRABBER_SECRETS else monitor)
    ]


def _credentials_check(places: Places, settings: StationSettings, part: Part) -> Check:
    folder = places.config / "secrets"
    return Check(f"the secrets in {folder}", lambda: wrong_credentials(settings, folder, part))


def wrong_credentials(settings: StationSettings, folder: Path, part: Part = Part.BOTH) -> str:
    """Which credentials of the settings the units would not be given, with the remedy; empty if all are there."""
    wrong = []
    for setting, secret in (named for service in part.services for named in _secrets_of(settings, service)):
        if secret.credential is None:
            continue
        secret.keep_in(folder)
        try:
            secret.read_bytes()
        except SettingsError as error:
            wrong.append(f"{setting}: {error}")
    return "\n".join(wrong)


def _service_check(station: str, part: Part, begun: Instant) -> Check:
    units = [f"{service}{station}.service" for service in part.services]
    return Check(f"station {station} serves", lambda: not_serving(units, begun))


def _afterwards(places: Places) -> Sequence[Command]:
    return [Command(_RELOAD)] if places.is_this_machine else []


def _check_wish(wish: InstallWish) -> None:
    if wish.station is not None and re.fullmatch(NAME_PATTERN, wish.station) is None:
        raise InstallError(
            f"the station's name {wish.station!r} cannot be a unit's: use letters, digits, _, . and -, at most 64"
        )
    for address in (*wish.camera_networks, *wish.networks):
        if address in _WORDS_FOR_NETWORKS:
            continue
        try:
            ip_network(address, strict=False)
        except ValueError:
            raise InstallError(
                f"{address!r} is no address or subnet: write it as in 192.168.7.0/24, or one of "
                f"{', '.join(_WORDS_FOR_NETWORKS)}"
            ) from None
