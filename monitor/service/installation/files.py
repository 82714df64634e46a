"""The files of an installation: units and rules from the package, with this environment's path, and drop-ins."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import monitor
from monitor.service.installation.errors import InstallError
from monitor.service.installation.places import Places
from monitor.service.installation.steps import WriteFile

SHIPPED_COMMAND = "/opt/crystal-monitor/bin/crystal-monitor"
"""The command in the units as they are shipped."""
UNITS = (
    "crystal-monitor@.target",
    "crystal-monitor@.service",
    "crystal-grabber@.service",
    "crystal-backup@.service",
    "crystal-backup@.timer",
)
SERVICES = ("crystal-monitor@", "crystal-grabber@")
_ELSEWHERE = "elsewhere.conf"
"""The drop-in of a service that runs on another machine."""
_BACKOFF_FROM = 254
"""The systemd that knows RestartSteps=."""
_CREDENTIALS = "/etc/crystal-monitor/secrets"
_CREDENTIALS_FILE = "credentials.conf"
_OURS = "# Written by `crystal-monitor install`."


class Part(StrEnum):
    """What of a station runs on a machine."""

    BOTH = "both"
    GRABBER = "grabber"
    ANALYSIS = "analysis"

    @property
    def services(self) -> tuple[str, ...]:
        """Its services' names, up to the station's."""
        monitor, grabber = SERVICES
        return {Part.BOTH: SERVICES, Part.GRABBER: (grabber,), Part.ANALYSIS: (monitor,)}[self]


def part_here(places: Places, station: str) -> Part:
    """What of the station was installed here. Raises InstallError where drop-ins say that nothing was."""
    for part in Part:
        if not any(path.exists() for path in says_elsewhere(places, station, part)):
            return part
    both = " and ".join(str(path) for path in says_elsewhere(places, station, Part.BOTH))
    raise InstallError(
        f"{both} say that neither the analysis nor the grabber of station {station!r} runs on this machine: say what "
        f"does (crystal-monitor install --station {station} --part both, grabber or analysis), or uninstall it here "
        f"(crystal-monitor uninstall --station {station})"
    )


def says_elsewhere(places: Places, station: str, part: Part) -> list[Path]:
    """The drop-ins that would keep one of the part's services from running here."""
    return [places.units / f"{name}{station}.service.d" / _ELSEWHERE for name in part.services]


def shipped(name: str) -> str:
    """Text of a file of `deploy/systemd`: from the installed package, or from the source tree."""
    package = Path(monitor.__file__).parent
    for folder in (package / "deploy", package.parent / "deploy"):
        path = folder / "systemd" / name
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise InstallError(f"the package lacks its file deploy/systemd/{name}: install it again (pip install)")


def machine_files(places: Places, command: Path, systemd_version: int) -> list[WriteFile]:
    """What the machine needs, whichever stations it has."""
    files = [WriteFile(places.units / unit, _with_command(shipped(unit), command)) for unit in UNITS]
    if systemd_version >= _BACKOFF_FROM:
        backoff = shipped("dropins/backoff.conf")
        files += [
            WriteFile(places.units / f"{name}.service.d" / "backoff.conf", backoff) for name in SERVICES
        ]
    return [
        *files,
        WriteFile(places.sysusers / "crystal-monitor.conf", shipped("sysusers.d/crystal-monitor.conf")),
        WriteFile(places.tmpfiles / "crystal-monitor.conf", shipped("tmpfiles.d/crystal-monitor.conf")),
        WriteFile(places.udev / "70-crystal-camera.rules", shipped("udev/70-crystal-camera.rules")),
    ]


def station_files(
    places: Places,
    station: str,
    *,
    part: Part,
    credentials: Sequence[str],
    camera_credentials: Sequence[str],
    camera_networks: Sequence[str],
    networks: Sequence[str],
    nvidia: bool,
) -> list[WriteFile]:
    """The drop-ins of one station's units; what was not asked for is not there.

    part: what of the station runs here. credentials, camera_credentials: names of secrets for the analysis, for the
    grabber. camera_networks, networks: addresses that the grabber, the analysis may talk to.
    """
    monitor_folder, grabber_folder = (places.units / f"{name}{station}.service.d" for name in SERVICES)
    files = []
    for folder, names in ((monitor_folder, credentials), (grabber_folder, camera_credentials)):
        if names:
            lines = [f"LoadCredential={name}:{_CREDENTIALS}/{name}" for name in names]
            files.append(WriteFile(folder / _CREDENTIALS_FILE, _service(lines)))
    files += [
        WriteFile(places.units / f"{name}{station}.service.d" / _ELSEWHERE, shipped(f"dropins/{_ELSEWHERE}"))
        for name in SERVICES
        if name not in part.services
    ]
    if camera_networks:
        shape = shipped("dropins/grabber-network.conf")
        files.append(WriteFile(grabber_folder / "network.conf", _with_addresses(shape, camera_networks)))
    if networks:
        shape = shipped("dropins/monitor-network.conf")
        files.append(WriteFile(monitor_folder / "network.conf", _with_addresses(shape, networks)))
    if nvidia:
        files.append(WriteFile(monitor_folder / "nvidia.conf", shipped("dropins/monitor-nvidia.conf")))
    return files


def stale_credentials(
    places: Places, station: str, credentials: Sequence[str], camera_credentials: Sequence[str]
) -> list[Path]:
    """Drop-ins of an earlier `install` that would give a service secrets which it needs no more.

    It would not start without their files. What somebody else wrote stays.
    """
    given = zip(SERVICES, (credentials, camera_credentials), strict=True)
    idle = [
        places.units / f"{name}{station}.service.d" / _CREDENTIALS_FILE for name, names in given if not names
    ]
    return [path for path in idle if path.is_file() and path.read_text(encoding="utf-8").startswith(_OURS)]


def _with_command(unit: str, command: Path) -> str:
    # % begins a specifier in a unit, and a space would end the command.
    return unit.replace(SHIPPED_COMMAND, str(command).replace("%", "%%").replace(" ", "\\x20"))


def _with_addresses(shape: str, addresses: Sequence[str]) -> str:
    kept = [
        line for line in shape.splitlines() if line and not line.startswith(("#", "[", "IPAddressAllow="))
    ]
    return _service([*kept, *(f"IPAddressAllow={address}" for address in addresses)])


def _service(lines: Sequence[str]) -> str:
    return "\n".join([_OURS, "[Service]", *lines, ""])
