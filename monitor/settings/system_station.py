"""Where a station that systemd runs has its files: what its settings need not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CONFIG_FOLDER = Path("/etc/crystal-monitor")
"""Settings of the machine's stations: `NAME.toml`, where NAME is the instance of its units."""
SECRETS_FOLDER = CONFIG_FOLDER / "secrets"
"""Secrets that units get as credentials; root's alone."""
STATE_FOLDER = Path("/var/lib/crystal-monitor")
BACKUP_FOLDER = Path("/var/lib/crystal-monitor-backups")
"""What the nightly timer writes, a folder for each station."""
RUNTIME_FOLDER = Path("/run/crystal-monitor")


def system_defaults(path: Path) -> dict[str, Any]:
    """What a settings file in the machine's own folder means where it says nothing: name, sockets and database.

    Empty for any other file. So the units and everybody's command line find the same places.
    """
    if path.parent != CONFIG_FOLDER:
        return {}
    name = path.stem
    return {
        "name": name,
        "stream": {"endpoint": f"ipc://{RUNTIME_FOLDER / name}/frames.ipc"},
        "control": {"endpoint": f"ipc://{RUNTIME_FOLDER / name}/control.ipc"},
        "storage": {"database": f"sqlite:///{STATE_FOLDER / name}.sqlite"},
    }
