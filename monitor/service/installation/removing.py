"""`uninstall`: no service and no unit is left; settings, data and users stay."""

from __future__ import annotations

from pathlib import Path

from monitor.service.installation.errors import InstallError
from monitor.service.installation.files import SERVICES, UNITS
from monitor.service.installation.host import (
    READERS,
    USER,
    check_machine,
    is_active,
    is_backed_up,
    is_enabled,
)
from monitor.service.installation.places import Places
from monitor.service.installation.steps import Command, RemoveFile, Say, Step, carry_out


def uninstall(station: str | None, places: Places, say: Say, *, dry_run: bool = False) -> list[str]:
    """Stop and remove one station's units, or everything's; what was left, for people. Raises InstallError."""
    if not dry_run:
        check_machine(places)
    known = places.stations()
    if station is not None and station not in known:
        names = ", ".join(known) or "none"
        raise InstallError(f"there is no station {station!r} here; there are: {names}")
    leaving = known if station is None else [station]
    steps: list[Step] = [step for name in leaving for step in _station(name, places)]
    if station is None:
        steps += _machine(places)
    if places.is_this_machine:
        steps.append(Command(("systemctl", "daemon-reload")))
    carry_out(steps, say, dry_run=dry_run)
    left = [str(places.settings_of(name)) for name in leaving if places.settings_of(name).exists()]
    left += [f"{path}" for path in (places.state, places.backups, places.config / "secrets") if path.exists()]
    return [*left, *_accounts(places)]


def _accounts(places: Places) -> list[str]:
    """The accounts that were made, each with the command that removes it."""
    made = (
        ("passwd", USER, f"the user {USER} (userdel {USER})"),
        ("group", READERS, f"the group {READERS} (groupdel {READERS})"),
    )
    return [told for table, name, told in made if _stands_in(places.inside(Path("/etc", table)), name)]


def _stands_in(table: Path, name: str) -> bool:
    if not table.is_file():
        return False
    return any(line.startswith(f"{name}:") for line in table.read_text(encoding="utf-8").splitlines())


def _station(name: str, places: Places) -> list[Step]:
    target = f"crystal-monitor@{name}.target"
    timer = f"crystal-backup@{name}.timer"
    steps: list[Step] = []
    if places.is_this_machine and is_backed_up(name):
        steps.append(
            Command(("systemctl", "disable", "--now", timer), ("systemctl", "enable", "--now", timer))
        )
    if not places.is_this_machine:
        steps.append(RemoveFile(places.units / "multi-user.target.wants" / target, places.units))
        steps.append(RemoveFile(places.units / "timers.target.wants" / timer, places.units))
    elif is_enabled(name) or is_active(name):
        # Stopping the target would not wait for its services.
        services = [f"crystal-grabber@{name}.service", f"crystal-monitor@{name}.service"]
        steps.append(Command(("systemctl", "disable", target), ("systemctl", "enable", "--now", target)))
        steps.append(Command(("systemctl", "stop", target, *services)))
    return [*steps, *_drop_ins(places, [f"{service}{name}" for service in SERVICES])]


def _machine(places: Places) -> list[Step]:
    files = [*(places.units / unit for unit in UNITS)]
    files += [places.sysusers / "crystal-monitor.conf", places.tmpfiles / "crystal-monitor.conf"]
    files.append(places.udev / "70-crystal-camera.rules")
    steps: list[Step] = [RemoveFile(path, path.parent) for path in files]
    return [*_drop_ins(places, list(SERVICES)), *steps]


def _drop_ins(places: Places, services: list[str]) -> list[Step]:
    found: list[Path] = []
    for service in services:
        found += sorted((places.units / f"{service}.service.d").glob("*.conf"))
    return [RemoveFile(path, places.units) for path in found]
