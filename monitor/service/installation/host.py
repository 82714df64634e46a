"""What an installation must know of the machine and of the environment that it is run from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from monitor.clock import NANOSECONDS_PER_SECOND, Instant
from monitor.service.installation.errors import InstallError
from monitor.service.installation.places import Places

USER = "crystal-monitor"
READERS = "crystal-readers"
_HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"), Path("/tmp"), Path("/var/tmp"))  # noqa: S108  # nosec B108  # named, not used
"""What ProtectHome= and PrivateTmp= hide from the units."""


def station_command() -> Path:
    """The `crystal-monitor` of this environment, which the units are to run. Raises InstallError where they cannot."""
    command = Path(sys.prefix) / "bin" / "crystal-monitor"
    remedy = (
        "install it where every user may run it: python3 -m venv /opt/crystal-monitor && "
        "/opt/crystal-monitor/bin/pip install crystal-monitor, and run /opt/crystal-monitor/bin/crystal-monitor install"
    )
    if not command.is_file():
        raise InstallError(f"this environment has no {command}: {remedy}")
    for path in (command, Path(sys.executable).resolve()):
        if any(folder in path.parents for folder in _HIDDEN):
            raise InstallError(f"{path} lies where services may not look: {remedy}")
        closed = [folder for folder in path.parents if not folder.stat().st_mode & 0o001]
        if closed:
            raise InstallError(
                f"{path} cannot be run by other users, {closed[0]} is closed to them: {remedy}"
            )
    return command


def check_machine(places: Places) -> None:
    """Raise InstallError, with the remedy, where this user or this machine cannot install services."""
    if os.geteuid() != 0:
        raise InstallError(
            "services are installed by root: run it with sudo, or see what it would do with --dry-run"
        )
    if places.is_this_machine and not Path("/run/systemd/system").is_dir():
        raise InstallError(
            "no systemd runs on this machine: use `crystal-monitor run CONFIG`, or write the files of an image with "
            "--root DIR"
        )
    if not places.root.is_dir():
        raise InstallError(f"the folder {places.root} does not exist: make it, or name another with --root")


def systemd_version() -> int:
    """Number of the machine's systemd; 0 where there is none."""
    if shutil.which("systemctl") is None:
        return 0
    said = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S607  # found in the path on purpose
    found = re.match(r"systemd (\d+)", said)
    return int(found[1]) if found else 0


def has_nvidia() -> bool:
    """Whether the machine has an NVIDIA card with its driver."""
    return Path("/dev/nvidiactl").exists()


def wrong_with_settings(command: Path, path: Path) -> str:
    """What `check-config` says as the services' user; empty where nothing is wrong."""
    groups = [name for name in ("video",) if _has_group(name)]
    done = subprocess.run(  # noqa: S603  # our own command, no shell
        [command, "check-config", path],
        capture_output=True,
        text=True,
        check=False,
        user=USER,
        group=USER,
        extra_groups=groups,
        umask=0o027,
        cwd="/",
        env={"PATH": os.defpath, "HOME": "/", "XDG_CACHE_HOME": "/var/cache", "LC_ALL": "C.UTF-8"},
    )
    return "" if done.returncode == 0 else (done.stderr or done.stdout).strip()


def not_serving(units: Iterable[str], since: Instant) -> str:
    """Which of the services does not run, with the last that it said since then; empty where all do."""
    for unit in units:
        state = _ask("systemctl", "is-active", unit)
        if state != "active":
            # What an earlier attempt said would send the user after a fault that is mended.
            begun = f"--since=@{since.utc_ns // NANOSECONDS_PER_SECOND}"
            said = _ask("journalctl", "--no-pager", "-q", "-o", "cat", "-n", "12", begun, "-u", unit)
            return f"{unit} does not come up ({state}); {_told(said, unit)}"
    return ""


def _told(said: str, unit: str) -> str:
    if said:
        return f"it said:\n{said}"
    return f"it said nothing: systemctl status '{unit}' and journalctl -b may say more"


def is_enabled(station: str) -> bool:
    """Whether the station starts with the machine."""
    return _ask("systemctl", "is-enabled", f"crystal-monitor@{station}.target") == "enabled"


def is_backed_up(station: str) -> bool:
    """Whether its database is backed up every night."""
    return _ask("systemctl", "is-enabled", f"crystal-backup@{station}.timer") == "enabled"


def is_active(station: str) -> bool:
    """Whether the station runs."""
    return _ask("systemctl", "is-active", f"crystal-monitor@{station}.target") == "active"


def _ask(*arguments: str) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)  # noqa: S603  # no shell
    return done.stdout.strip()


def _has_group(name: str) -> bool:
    import grp  # noqa: PLC0415  # Linux's alone

    return any(group.gr_name == name for group in grp.getgrall())
